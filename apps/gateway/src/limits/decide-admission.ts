import type { CounterStore, WindowReading } from './counter-store.ts';
import type { ClientLimits } from '../config/sections/clients-section.ts';

/** What a request can be refused for; `store_unavailable` while the store is down and the policy is `closed`. */
export const LIMIT_NAMES = [
  'concurrent_requests', 'requests_per_minute', 'input_tokens_per_minute', 'output_tokens_per_minute', 'store_unavailable',
] as const;

/** One of `LIMIT_NAMES`. */
export type LimitName = (typeof LIMIT_NAMES)[number];

/** A request that may not run now. */
export interface Refusal {
  readonly ok: false;
  readonly limit: LimitName;
  readonly retryAfterSeconds: number;
}

/** One request to decide on. */
export interface AdmissionRequest {
  readonly store: CounterStore;
  readonly clientName: string;
  readonly limits: ClientLimits;
  readonly leaseId: string;
  /** Whether nobody waits for the decision any more. */
  readonly isAbandoned: () => boolean;
}

const TOKEN_LIMITS = ['input_tokens_per_minute', 'output_tokens_per_minute'] as const;

/** Nobody knows when a running request ends; clients that wait a second do no harm. */
const RETRY_FOR_A_PLACE_SECONDS = 1;

/** The key of a client's counter. */
export function counterKey(clientName: string, limit: LimitName): string {
  return `${clientName}:${limit}`;
}

/**
 * Decides whether a request may run; undefined when it may, and then its place is taken. What costs nothing to refuse is asked first, and
 * the request is counted last, so that a refusal for another reason does not use up the minute.
 */
export async function decideAdmission({ store, clientName, limits, leaseId, isAbandoned }: AdmissionRequest): Promise<Refusal | undefined> {
  const spent = await Promise.all(TOKEN_LIMITS.map(async (limit) => {
    const maximum = limits[limit];
    if (maximum === undefined) return undefined;
    const reading = await store.read(counterKey(clientName, limit));
    return reading !== undefined && reading.consumed >= maximum ? refuse(limit, reading) : undefined;
  }));
  const refusal = spent.find((found) => found !== undefined);
  if (refusal !== undefined || isAbandoned()) return refusal;

  const place = counterKey(clientName, 'concurrent_requests');
  if (limits.concurrent_requests !== undefined && !await store.take(place, limits.concurrent_requests, leaseId)) {
    return { ok: false, limit: 'concurrent_requests', retryAfterSeconds: RETRY_FOR_A_PLACE_SECONDS };
  }
  if (limits.requests_per_minute === undefined || isAbandoned()) return undefined;
  const counted = await store.add(counterKey(clientName, 'requests_per_minute'), 1);
  if (counted.consumed <= limits.requests_per_minute) return undefined;
  if (limits.concurrent_requests !== undefined) await store.giveBack(place, leaseId);
  return refuse('requests_per_minute', counted);
}

function refuse(limit: LimitName, { resetsInMs }: WindowReading): Refusal {
  return { ok: false, limit, retryAfterSeconds: Math.max(1, Math.ceil(resetsInMs / 1_000)) };
}
