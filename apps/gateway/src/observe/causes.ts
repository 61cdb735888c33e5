import type { Fault } from '../request/request-record.ts';

/** What can be wrong with a gateway as a whole, worst first: one closed set for the live page, `/status.json`, `/readyz`, the log and the alerts. */
export const CAUSES = [
  'no_worker_ready', 'side_absent', 'credential_refused', 'upstream_unreachable', 'backend_unreachable', 'upstream_failing', 'backend_failing',
  'pool_held_by_one_client', 'pool_full', 'quota_spent', 'api_failing', 'limit_store_failing', 'issuer_failing',
  'sign_in_provider_failing', 'sign_in_store_failing', 'ledger_failing', 'budget_spent', 'draining', 'wrong_keys', 'slow_client', 'price_missing',
] as const;

/** One of `CAUSES`. */
export type Cause = (typeof CAUSES)[number];

/** What one cause means to the operator. */
export interface CauseTraits {
  /** `error`: requests fail because of it; `warning`: they will, or those of some clients do; `info`: nothing has to be mended. Log levels follow it. */
  readonly severity: 'error' | 'warning' | 'info';
  /** On whose side the remedy is; `gateway` is the operator. */
  readonly fault: Fault;
  /** Whether `/readyz` shows it under `warnings`; a client that behaves badly concerns no readiness. */
  readonly concernsReadiness: boolean;
  /** The cause as the end of a sentence about its party: an upstream, a client, a side. */
  readonly text: string;
}

/** The meaning of every cause. */
export const CAUSE_TRAITS: Readonly<Record<Cause, CauseTraits>> = {
  no_worker_ready: { severity: 'error', fault: 'gateway', concernsReadiness: true, text: 'has no worker that is ready' },
  side_absent: { severity: 'error', fault: 'gateway', concernsReadiness: true, text: 'could not be started' },
  credential_refused: { severity: 'error', fault: 'gateway', concernsReadiness: true, text: 'refuses the key of this gateway' },
  upstream_unreachable: { severity: 'error', fault: 'network', concernsReadiness: true, text: 'cannot be reached' },
  backend_unreachable: { severity: 'error', fault: 'network', concernsReadiness: true, text: 'cannot be reached' },
  upstream_failing: { severity: 'error', fault: 'network', concernsReadiness: true, text: 'does not answer, or breaks its answers' },
  backend_failing: { severity: 'error', fault: 'network', concernsReadiness: true, text: 'does not answer, or breaks its answers' },
  pool_held_by_one_client: { severity: 'warning', fault: 'client', concernsReadiness: true, text: 'holds the pool' },
  pool_full: { severity: 'warning', fault: 'gateway', concernsReadiness: true, text: 'has no free connection' },
  quota_spent: { severity: 'warning', fault: 'upstream', concernsReadiness: true, text: 'answers 429: its quota is spent' },
  api_failing: { severity: 'warning', fault: 'upstream', concernsReadiness: true, text: 'answers with errors of its own' },
  limit_store_failing: { severity: 'warning', fault: 'gateway', concernsReadiness: true, text: 'has a store of client limits that fails' },
  issuer_failing: { severity: 'warning', fault: 'network', concernsReadiness: true, text: 'has keys that cannot be fetched' },
  sign_in_provider_failing: { severity: 'warning', fault: 'network', concernsReadiness: true, text: 'cannot ask the identity provider' },
  sign_in_store_failing: { severity: 'warning', fault: 'gateway', concernsReadiness: true, text: 'has a store that fails' },
  ledger_failing: { severity: 'warning', fault: 'gateway', concernsReadiness: true, text: 'has a store that fails' },
  budget_spent: { severity: 'warning', fault: 'client', concernsReadiness: false, text: 'has spent its budget' },
  draining: { severity: 'info', fault: 'gateway', concernsReadiness: true, text: 'is shutting down' },
  wrong_keys: { severity: 'warning', fault: 'client', concernsReadiness: false, text: 'send keys that are not known' },
  slow_client: { severity: 'info', fault: 'client', concernsReadiness: false, text: 'does not read its answers' },
  price_missing: { severity: 'warning', fault: 'gateway', concernsReadiness: true, text: 'has no price' },
};

/** What the name of an issuer's warning in `/readyz` begins with; the rest is the name of the issuer. */
export const ISSUER_PART = 'issuer_';

/** Something that is wrong now. */
export interface Condition {
  readonly cause: Cause;
  /** The upstream, client or side that the cause is about, by its configured name. */
  readonly party: string;
  /** Unix milliseconds; absent where the beginning is not known. */
  readonly since?: number | undefined;
  /** Numbers that belong to it, such as `4 of 4 connections of native, 2 wait`. */
  readonly detail?: string | undefined;
}

/** Conditions of parts of one process, by the name that the part has in `/readyz`. */
export type PartConditions = Readonly<Record<string, Condition>>;

/** The parts of all processes: of one that several report, the condition that began first. */
export function mergePartConditions(processes: readonly PartConditions[]): PartConditions {
  const merged: Record<string, Condition> = {};
  for (const [part, condition] of processes.flatMap((conditions) => Object.entries(conditions))) {
    const known = merged[part];
    if (known === undefined || (condition.since ?? Infinity) < (known.since ?? Infinity)) merged[part] = condition;
  }
  return merged;
}

/** The `warnings` of `/readyz` about parts; what clients spent is none. */
export function describeParts(conditions: PartConditions): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(conditions).filter(([, { cause }]) => CAUSE_TRAITS[cause].concernsReadiness).map(([part, condition]) => [part, describeCondition(condition)]));
}

/** One line for people that begins with the cause's word: `credential_refused: native refuses the key of this gateway since 12:31:05Z`. */
export function describeCondition({ cause, party, since, detail }: Condition): string {
  const time = since === undefined ? '' : ` since ${new Date(since).toISOString().slice(11, 19)}Z`;
  return `${cause}: ${party} ${CAUSE_TRAITS[cause].text}${detail === undefined ? '' : ` (${detail})`}${time}`;
}
