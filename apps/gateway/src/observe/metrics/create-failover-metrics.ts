import { createFastCounter } from '@penstock/fast-metrics';
import type { FailoverReason, GroupEvents } from '@penstock/upstream-group';
import type { Registry } from 'prom-client';
import { PLAIN } from '../../config/plain.ts';

/** The metrics of several upstreams. They exist only where several are configured. */
export interface FailoverMetrics extends Required<Pick<GroupEvents, 'failedOver' | 'moved'>> {
  /** Makes the series of all pairs of upstreams, at 0. */
  setUpstreams(names: readonly string[]): void;
}

/** Declares the metrics. */
export function createFailoverMetrics(registry: Registry, reasons: readonly FailoverReason[]): FailoverMetrics {
  const failovers = createFastCounter(registry, {
    name: 'penstock_failovers_total', labelNames: ['from', 'to', 'reason'], plain: PLAIN,
    help: 'Requests that went to another upstream because this one did not take them: not sent, or refused with a status.',
  });
  const moves = createFastCounter(registry, {
    name: 'penstock_session_moves_total', labelNames: ['from', 'to'], plain: PLAIN,
    help: 'Sessions that are served by another upstream from now on, because theirs was ill or its quota nearly spent. Each costs one miss of the prompt cache.',
  });
  return {
    failedOver: ({ from, to, reason }) => { failovers.series({ from, to, reason }).value += 1; },
    moved: ({ from, to }) => { moves.series({ from, to }).value += 1; },
    setUpstreams(names) {
      for (const from of names) {
        for (const to of names) {
          if (from === to) continue;
          moves.series({ from, to });
          for (const reason of reasons) failovers.series({ from, to, reason });
        }
      }
    },
  };
}
