import { add, createFastCounter } from '@penstock/fast-metrics';
import type { Registry } from 'prom-client';
import { PLAIN } from '../../config/plain.ts';
import { NANO_DOLLARS_A_DOLLAR } from '../../cost/dollars.ts';
import type { BatchCorrection } from '../../ledger/batches/batch-corrections.ts';
import { MAX_ZEROED_SERIES } from './create-request-recorder.ts';
import { OTHER } from './label-bounds.ts';

/** The estimates that were replaced, and the results that replaced them. */
const KINDS = ['estimate', 'result'] as const;

/** Counts corrections of what message batches cost. A counter cannot fall: the cost is `penstock_cost_dollars_total`, plus the results, minus the estimates. */
export interface CorrectionMetrics {
  count(correction: BatchCorrection): void;
  /** Makes the series of all callers at 0, so that the first correction is an increase. */
  zero(callers: readonly string[], upstream: string): void;
}

/** Declares the metric. It exists only where there is a ledger. */
export function createCorrectionMetrics(registry: Registry): CorrectionMetrics {
  const corrections = createFastCounter(registry, {
    name: 'penstock_cost_corrections_dollars_total', labelNames: ['side', 'upstream', 'model', 'client', 'kind'], divisor: NANO_DOLLARS_A_DOLLAR, plain: PLAIN,
    help: 'Corrections of penstock_cost_dollars_total by results of message batches, in US dollars: add kind result, what they cost, and subtract kind estimate, what was counted of them before.',
  });
  let known: ReadonlySet<string> = new Set();
  // The model is that of the estimate: no response named one when the batch was made.
  const labelsOf = (upstream: string, client: string, kind: (typeof KINDS)[number]): Readonly<Record<string, string>> => ({ side: 'native', upstream, model: OTHER, client, kind });
  return {
    count({ record, estimate, cost }) {
      const { upstream = OTHER, client = OTHER } = record;
      const label = known.has(client) ? client : OTHER;
      add(corrections.series(labelsOf(upstream, label, 'estimate')), Number(estimate));
      add(corrections.series(labelsOf(upstream, label, 'result')), Number(cost));
    },
    zero(callers, upstream) {
      known = new Set(callers);
      for (const client of callers.slice(0, MAX_ZEROED_SERIES / KINDS.length)) for (const kind of KINDS) corrections.series(labelsOf(upstream, client, kind));
    },
  };
}
