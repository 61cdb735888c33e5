import { createFastCounter } from '@penstock/fast-metrics';
import type { Registry } from 'prom-client';
import { PLAIN } from '../../config/plain.ts';

/** How an act of sign-in ended. */
type ActResult = 'ok' | 'refused' | 'unavailable';

/** One act, as far as it is counted. */
export interface CountedAct {
  readonly event: string;
  readonly result: ActResult;
}

/** The metrics of sign-in. They exist only where it is configured. */
export interface SignInMetrics {
  acted(act: CountedAct): void;
  telemetryDropped(reason: string): void;
}

/** How a sign-in ended. */
const SIGN_IN_RESULTS = ['ok', 'denied', 'refused', 'unavailable'] as const;
const ACT_RESULTS: readonly ActResult[] = ['ok', 'refused', 'unavailable'];
const DROP_REASONS = ['unreachable', 'refused', 'paused', 'queue_full', 'closed'] as const;

/** The result of a sign-in that an act ends; `undefined` for an act that ends none. */
function endedSignIn({ event, result }: CountedAct): (typeof SIGN_IN_RESULTS)[number] | undefined {
  if (event === 'session.mint') return result;
  if (event === 'device.deny') return result === 'ok' ? 'denied' : undefined;
  return event === 'device.callback' && result !== 'ok' ? result : undefined;
}

/** Declares the metrics; every series exists at 0 from the start. */
export function createSignInMetrics(registry: Registry, events: readonly string[]): SignInMetrics {
  const signIns = createFastCounter(registry, {
    name: 'penstock_sign_ins_total', labelNames: ['result'], plain: PLAIN,
    help: 'Sign-ins of persons that ended, by how: ok (a token was issued), denied by the person, refused, or unavailable (the identity provider or the store).',
  });
  const acts = createFastCounter(registry, {
    name: 'penstock_sign_in_acts_total', labelNames: ['act', 'result'], plain: PLAIN,
    help: 'Acts of sign-in as in the audit log, by result: codes, confirmations, tokens, refreshes, revocations, settings that were served.',
  });
  const dropped = createFastCounter(registry, {
    name: 'penstock_telemetry_dropped_total', labelNames: ['reason'], plain: PLAIN,
    help: 'Batches of client telemetry that a collector did not get: it could not be reached, refused them, is given a pause after failures, too many wait, or it was taken away.',
  });
  for (const result of SIGN_IN_RESULTS) signIns.series({ result });
  for (const act of events) for (const result of ACT_RESULTS) acts.series({ act, result });
  for (const reason of DROP_REASONS) dropped.series({ reason });
  return {
    acted(act) {
      const { event, result } = act;
      acts.series({ act: event, result }).value += 1;
      const ended = endedSignIn(act);
      if (ended !== undefined) signIns.series({ result: ended }).value += 1;
    },
    telemetryDropped(reason) {
      const known = DROP_REASONS.find((candidate) => candidate === reason) ?? 'refused';
      dropped.series({ reason: known }).value += 1;
    },
  };
}
