import { expect, test } from 'vitest';
import { controlRatio, summarize } from '../../src/report/summarize.ts';
import { WORKLOADS } from '../../src/workloads/all-workloads.ts';
import type { Workload } from '../../src/workloads/workload.ts';

const workload = WORKLOADS.find(({ name }) => name === 'unary-1kb') as Workload;

function summariesOf(costs: Readonly<Record<string, readonly number[]>>): ReturnType<typeof summarize> {
  return summarize({ workload, results: Object.entries(costs).map(([name, all]) => ({ name, bytes: 'equal' as const, samples: all.map((cpuMicroseconds) => ({ cpuMicroseconds })) })) });
}

test('a ratio compares what was measured in the same round (a machine that is twice as slow for some rounds changes none)', () => {
  const summaries = summariesOf({ floor: [100, 100, 200, 200, 200], penstock: [150, 150, 300, 290, 310], 'floor (control)': [101, 100, 200, 190, 210] });
  expect(summaries.map(({ cpuMicroseconds, cpuRatio }) => [cpuMicroseconds, cpuRatio])).toEqual([[200, 1], [290, 1.5], [190, 1]]);
  expect(controlRatio(summaries)).toBe(1);
});

test('rounds that a contender did not live to see are left out', () => {
  expect(summariesOf({ floor: [100, 100, 300], peer: [250, 250] }).find(({ name }) => name === 'peer')?.cpuRatio).toBe(2.5);
  expect(summariesOf({ peer: [250, 250] })[0]?.cpuRatio).toBeNaN();
});
