import { expect, test } from 'vitest';
import { SCENARIOS } from '../../src/scenarios/all-scenarios.ts';
import { WORKLOADS } from '../../src/workloads/all-workloads.ts';

test('the names of workloads and scenarios differ (--only NAME chooses one)', () => {
  const names = [...WORKLOADS, ...SCENARIOS].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('live-page');
});
