import { notifying, readInhibitions, type AlertLabels } from '@penstock/test-support';
import { readRepositoryFile } from './panel-queries.ts';

const RULES = readInhibitions(readRepositoryFile('deploy/prometheus/alertmanager.yml'));

/** A machine that is busy with other tests, or kept waiting for its turn, is no finding. */
export const OF_THE_MACHINE: ReadonlySet<string> = new Set(['PenstockEventLoopLag', 'PenstockDown']);

/** The alerts that notify while all of them fire, by the inhibitions that are shipped: by all labels, not by names alone. */
export function notified<Alert extends AlertLabels>(firing: readonly Alert[]): Alert[] {
  return notifying(RULES, firing);
}
