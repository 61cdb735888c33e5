import { join } from 'node:path';
import type { Contender } from '../contenders/contender.ts';
import { penstock } from '../contenders/own-contenders.ts';
import { describeFeatures, measureFeatures, OFF, OFF_AGAIN } from '../features/features-scenario.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { WORKLOADS } from '../workloads/all-workloads.ts';
import type { RequestWorkload } from '../workloads/workload.ts';
import { describeSwitched, runSwitched, type SwitchedPlan, type SwitchedRow } from './run-switched.ts';

/** More processor time than without a store that is aimed at, in percent. */
const AIM_PERCENT = 2;
/** What is looked for is smaller than what one process differs from another of the same program. */
const STEPS = { launches: 4 } as const;
const AMOUNT = { period: 'monthly', amount_cents: 1_000_000_000 } as const;
/** Two minutes of load. */
const SWITCHED_PLAN: SwitchedPlan = { launches: 3, rounds: 6, turns: 3, sliceMs: 250, warmUpMs: 8_000 };
const SWITCH_FLAG = `--import=${new URL('ledger-switch.js', import.meta.url).href}`;

const BUDGETS: readonly object[] = [{ scope: { client: true }, share: 'each', ...AMOUNT }, { scope: { organization: true }, share: 'pooled', ...AMOUNT }];

/** The ledger in SQLite alone, and with budgets of every kind that holds for a client, beside neither. */
export const LEDGER: Scenario = {
  name: 'ledger',
  title: 'Ledger and budgets on, 1 KB requests, saturated',
  async run(environment) {
    const rows = await measureFeatures(environment, [penstock(OFF, 1), withStore('ledger', []), withStore('ledger and budgets', BUDGETS), penstock(OFF_AGAIN, 1)], STEPS);
    return { report: describeFeatures(rows, AIM_PERCENT), figures: rows };
  },
};

/** The same within one process, where the compiled code and the memory of both are the same: what a request does for the ledger is switched off and on, in turns. */
export const LEDGER_SWITCHED: Scenario = {
  name: 'ledger-switched',
  title: 'Ledger and budgets switched on and off in one process, 1 KB requests, saturated',
  async run({ rig, isQuick, onProgress }) {
    const workload = WORKLOADS.find(({ name }) => name === 'unary-1kb') as RequestWorkload;
    const plan = isQuick ? { ...SWITCHED_PLAN, launches: 1, warmUpMs: 4_000 } : SWITCHED_PLAN;
    const rows: SwitchedRow[] = [];
    for (const contender of [withSwitch('ledger', []), withSwitch('ledger and budgets', BUDGETS)]) rows.push(await runSwitched(rig, workload, contender, plan, onProgress));
    return { report: describeSwitched(rows, AIM_PERCENT), figures: rows };
  },
};

function withStore(name: string, budgets: readonly object[]): Contender {
  return {
    name, description: `a store, ${budgets.length} budgets`, isPeer: false,
    start: (environment) => penstock(name, 1, { config: { budgets, state: { store: `sqlite:${join(environment.folder, `${budgets.length}-budgets.db`)}` } } }).start(environment),
  };
}

/** A gateway whose ledger and budgets each SIGWINCH switches off, or on again. */
export function withSwitch(name: string, budgets: readonly object[]): Contender {
  const gateway = withStore(name, budgets);
  return { ...gateway, start: (environment) => gateway.start({ ...environment, nodeFlags: [...environment.nodeFlags, SWITCH_FLAG] }) };
}
