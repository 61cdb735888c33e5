import { expect, test } from 'vitest';
import { judgeLaunch } from '../../src/compare/judge-launch.ts';
import { drawChart } from '../../src/report/draw-chart.ts';
import { describeWorkload } from '../../src/report/print-table.ts';
import { WORKLOADS } from '../../src/workloads/all-workloads.ts';
import type { WorkloadResult } from '../../src/workloads/run-workload.ts';
import type { Workload } from '../../src/workloads/workload.ts';

const ROUNDS = 9;
const FLOORS = { floor: [50], 'floor (control)': [50] };

/** Each contender's costs, repeated until there are nine rounds. */
function resultOf(costs: Readonly<Record<string, readonly number[]>>, failures = 0): WorkloadResult {
  const workload = WORKLOADS.find(({ name }) => name === 'unary-1kb') as Workload;
  const results = Object.entries(costs).map(([name, own]) => ({
    name, bytes: 'equal' as const, samples: Array.from({ length: ROUNDS }, (_, round) => ({ cpuMicroseconds: own[round % own.length] as number, perSecond: 1_000, failures })),
  }));
  return { workload, results };
}

function outcomeOf(costs: Readonly<Record<string, readonly number[]>>, failures = 0): string {
  return judgeLaunch(resultOf({ ...FLOORS, ...costs }, failures)).outcome;
}

test('the comparison refuses an own cost that is over 10 % higher in every round, and accepts less', () => {
  expect(outcomeOf({ penstock: [95], 'penstock (base)': [90] })).toBe('regressed');
  expect(outcomeOf({ penstock: [93], 'penstock (base)': [90] })).toBe('ok');
  expect(outcomeOf({ penstock: [80], 'penstock (base)': [90] })).toBe('ok');
});

test('the comparison accepts a difference that a third of the rounds contradicts (a noisy machine)', () => {
  expect(outcomeOf({ penstock: [100, 88, 99], 'penstock (base)': [90] })).toBe('ok');
});

test('the comparison allows 5 % of the floor where own cost is near nothing (an event of a stream)', () => {
  expect(outcomeOf({ penstock: [52], 'penstock (base)': [50.1] })).toBe('ok');
  expect(outcomeOf({ penstock: [53], 'penstock (base)': [50.1] })).toBe('regressed');
  expect(outcomeOf({ penstock: [44], 'penstock (base)': [40] })).toBe('regressed');
});

test('the comparison is void where the two floors differ by over 5 %, and where the base did not run', () => {
  expect(outcomeOf({ 'floor (control)': [53], penstock: [190], 'penstock (base)': [90] })).toBe('void');
  expect(outcomeOf({ penstock: [190] })).toBe('void');
});

test('the comparison refuses a HEAD that did not run, or answered wrongly', () => {
  expect(outcomeOf({ 'penstock (base)': [90] })).toBe('regressed');
  expect(outcomeOf({ penstock: [90], 'penstock (base)': [90] }, 1)).toBe('regressed');
});

test('tables and pictures name every contender with its own cost and mark a void run', () => {
  const result = resultOf({ floor: [100], penstock: [200], 'floor (control)': [120], '<peer>': [900] });
  expect(describeWorkload(result)).toContain('| penstock ');
  expect(describeWorkload(result)).toContain('90.0 (90.0 to 90.0)');
  expect(describeWorkload(result)).toContain('are void');
  expect(drawChart([result])).toContain('&lt;peer&gt;');
});
