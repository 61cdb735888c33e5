import { expect, test } from 'vitest';
import { checkRegression, KNOWN_RATIOS } from '../../src/report/check-regression.ts';
import { drawChart } from '../../src/report/draw-chart.ts';
import { describeWorkload } from '../../src/report/print-table.ts';
import { WORKLOADS } from '../../src/workloads/all-workloads.ts';
import type { WorkloadResult } from '../../src/workloads/run-workload.ts';
import type { Workload } from '../../src/workloads/workload.ts';

const KNOWN = KNOWN_RATIOS['unary-1kb'] as number;

function resultOf(costs: Readonly<Record<string, number>>, failures = 0): WorkloadResult {
  const workload = WORKLOADS.find(({ name }) => name === 'unary-1kb') as Workload;
  const results = Object.entries(costs).map(([name, cpuMicroseconds]) => ({ name, bytes: 'equal' as const, samples: [{ cpuMicroseconds, perSecond: 1_000, failures }] }));
  return { workload, results };
}

function outcomeOf(result: WorkloadResult): string | undefined {
  return checkRegression([result])[0]?.outcome;
}

test('a gateway a fifth over its known ratio fails the check, and one below it passes', () => {
  expect(outcomeOf(resultOf({ floor: 100, penstock: 100 * KNOWN * 1.25, 'floor (control)': 100 }))).toBe('regressed');
  expect(outcomeOf(resultOf({ floor: 100, penstock: 100 * KNOWN * 1.15, 'floor (control)': 100 }))).toBe('ok');
});

test('a run whose two floors disagree says nothing (the machine was busy)', () => {
  expect(outcomeOf(resultOf({ floor: 100, penstock: 100 * KNOWN * 2, 'floor (control)': 140 }))).toBe('void');
});

test('a gateway that did not run, or answered wrongly, fails the check', () => {
  expect(outcomeOf(resultOf({ floor: 100, 'floor (control)': 100 }))).toBe('regressed');
  expect(outcomeOf(resultOf({ floor: 100, penstock: 100, 'floor (control)': 100 }, 1))).toBe('regressed');
});

test('tables and pictures name every contender and mark a void run', () => {
  const result = resultOf({ floor: 100, penstock: 200, 'floor (control)': 120, '<peer>': 900 });
  expect(describeWorkload(result)).toContain('| penstock ');
  expect(describeWorkload(result)).toContain('are void');
  expect(drawChart([result])).toContain('&lt;peer&gt;');
});
