import { notifying, readInhibitions, type AlertLabels } from '@penstock/test-support';
import { readRepositoryFile } from './panel-queries.ts';

const RULES = readInhibitions(readRepositoryFile('deploy/prometheus/alertmanager.yml'));

/** The alerts that notify while all of them fire, by the inhibitions that are shipped: by all labels, not by names alone. */
export function notified<Alert extends AlertLabels>(firing: readonly Alert[]): Alert[] {
  return notifying(RULES, firing);
}
