import { expect, it } from 'vitest';
import { breachesOf } from '../access/limits/billing/billing-rule.ts';
import { runMixes } from '../access/limits/billing/run-mixes.ts';

const MIXES = 10_000;
const SEEDS = [11, 12, 13, 14, 15];

it('charges no less than the upstream billed but for what was in flight: 10,000 mixes of aborts, cuts, batches, codings and concurrency', async () => {
  const breaches: string[] = [];
  const ended = new Map<string, number>();
  for (const seed of SEEDS) {
    const run = await runMixes({ seed, count: MIXES / SEEDS.length, concurrency: 50 });
    breaches.push(...breachesOf(run).map((breach) => `seed ${seed}: ${breach}`));
    for (const { plan, received } of run.mixes) {
      const how = `${plan.way} ${received.status} ${received.isWhole ? 'whole' : 'cut'}`;
      ended.set(how, (ended.get(how) ?? 0) + 1);
    }
  }
  console.log([...ended].toSorted(([one], [other]) => one.localeCompare(other)).map(([how, count]) => `${how}: ${count}`).join(', '));
  expect(breaches).toEqual([]);
}, 600_000);
