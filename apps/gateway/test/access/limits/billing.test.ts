import { expect, it } from 'vitest';
import { breachesOf } from './billing/billing-rule.ts';
import { runMixes } from './billing/run-mixes.ts';

it.each([1, 2])('charges no less than the upstream billed but for what was in flight: 200 mixes of aborts, cuts, batches, codings and concurrency (seed %d)', async (seed) => {
  expect(breachesOf(await runMixes({ seed, count: 200, concurrency: 20 }))).toEqual([]);
}, 60_000);
