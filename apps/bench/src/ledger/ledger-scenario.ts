import { join } from 'node:path';
import { penstock } from '../contenders/own-contenders.ts';
import type { Contender } from '../contenders/contender.ts';
import { describeFeatures, measureFeatures, OFF, OFF_AGAIN } from '../features/features-scenario.ts';
import type { Scenario } from '../scenarios/scenario.ts';

/** More processor time than without a store that is aimed at, in percent. */
const AIM_PERCENT = 2;
/** What is looked for is smaller than what one process differs from another of the same program. */
const STEPS = { launches: 4 } as const;
const AMOUNT = { period: 'monthly', amount_cents: 1_000_000_000 } as const;

/** The ledger in SQLite alone, and with budgets of every kind that holds for a client, beside neither. */
export const LEDGER: Scenario = {
  name: 'ledger',
  title: 'Ledger and budgets on, 1 KB requests, saturated',
  async run(environment) {
    const rows = await measureFeatures(environment, [
      penstock(OFF, 1), withStore('ledger', []),
      withStore('ledger and budgets', [{ scope: { client: true }, share: 'each', ...AMOUNT }, { scope: { organization: true }, share: 'pooled', ...AMOUNT }]), penstock(OFF_AGAIN, 1),
    ], STEPS);
    return { report: describeFeatures(rows, AIM_PERCENT), figures: rows };
  },
};

function withStore(name: string, budgets: readonly object[]): Contender {
  return {
    name, description: `a store, ${budgets.length} budgets`, isPeer: false,
    start: (environment) => penstock(name, 1, { config: { budgets, state: { store: `sqlite:${join(environment.folder, `${budgets.length}-budgets.db`)}` } } }).start(environment),
  };
}
