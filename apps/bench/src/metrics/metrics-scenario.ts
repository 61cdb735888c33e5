import type { Contender } from '../contenders/contender.ts';
import { penstock } from '../contenders/own-contenders.ts';
import { describeFeatures, measureFeatures, OFF, OFF_AGAIN } from '../features/features-scenario.ts';
import type { Scenario } from '../scenarios/scenario.ts';

/** More processor time than without metrics that is aimed at, in percent. */
const AIM_PERCENT = 8;

const NO_OP_FLAG = `--import=${new URL('no-op-metrics.js', import.meta.url).href}`;

/** The gateway as it is, beside the same gateway whose metrics do nothing. */
export const METRICS: Scenario = {
  name: 'metrics',
  title: 'Metrics, 1 KB requests, saturated',
  async run(environment) {
    const rows = await measureFeatures(environment, [withoutMetrics(OFF), penstock('metrics', 1), withoutMetrics(OFF_AGAIN)]);
    return { report: describeFeatures(rows, AIM_PERCENT), figures: rows };
  },
};

/** The built gateway in which nothing is counted, observed or watched; its metrics page shows zeros. */
export function withoutMetrics(name: string): Contender {
  const gateway = penstock(name, 1);
  return {
    ...gateway, description: 'the built gateway, its metrics replaced by functions that do nothing',
    start: (environment) => gateway.start({ ...environment, nodeFlags: [...environment.nodeFlags, NO_OP_FLAG] }),
  };
}
