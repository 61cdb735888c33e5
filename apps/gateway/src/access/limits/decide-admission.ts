import type { CounterStore, WindowReading } from './counter-store.ts';
import type { ClientLimitName, ClientLimits } from '../../config/sections/clients-section.ts';
import { TOKEN_LIMIT_NAMES } from './token-limits.ts';

/** What a request can be refused for; `store_unavailable` while the store is down and the policy is `closed`. */
export type LimitName = ClientLimitName | 'store_unavailable';

/** A request that may not run now. */
export interface Refusal {
  readonly ok: false;
  readonly limit: LimitName;
  readonly retryAfterSeconds: number;
}

/** The sentence that a refused client reads, on whichever side. */
export function describeRefusal(limit: LimitName): string {
  return limit === 'store_unavailable'
    ? 'The gateway\'s store of client limits does not answer, so that the limits of this client cannot be checked at the moment.'
    : `This client has reached its limit at this gateway (${limit}).`;
}

/** One request to decide on. */
export interface AdmissionRequest {
  readonly store: CounterStore;
  readonly clientName: string;
  readonly limits: ClientLimits;
  readonly leaseId: string;
  /** Whether the caller has stopped waiting for the decision. */
  readonly isAbandoned: () => boolean;
}

/** The end of a running request cannot be predicted; a retry after one second is cheap. */
export const RETRY_FOR_A_PLACE_SECONDS = 1;

/** The key of a client's counter. */
export function counterKey(clientName: string, limit: ClientLimitName): string {
  return `${clientName}:${limit}`;
}

/** The key of a client's token counters. */
export function tokensKey(clientName: string): string {
  return `${clientName}:tokens`;
}

/**
 * Decides whether a request may run; undefined when it may, and then its place is taken. What costs nothing to refuse is asked first, and
 * the request is counted last, so that a refusal for another reason does not use up the minute.
 */
export async function decideAdmission({ store, clientName, limits, leaseId, isAbandoned }: AdmissionRequest): Promise<Refusal | undefined> {
  const spent = await findSpentLimit(store, clientName, limits);
  if (spent !== undefined || isAbandoned()) return spent;

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

/** A client whose minute is spent is refused before its body is read. What others of its requests only hold is left to the reservation. */
async function findSpentLimit(store: CounterStore, clientName: string, limits: ClientLimits): Promise<Refusal | undefined> {
  if (!TOKEN_LIMIT_NAMES.some((name) => limits[name] !== undefined)) return undefined;
  const reading = await store.readTokens(tokensKey(clientName));
  const spent = reading === undefined ? undefined : TOKEN_LIMIT_NAMES.find((name) => reading.used[name] >= (limits[name] ?? Number.POSITIVE_INFINITY));
  return reading === undefined || spent === undefined ? undefined : refuse(spent, reading);
}

/** A refusal until the window ends; at least one second, however soon that is. */
export function refuse(limit: LimitName, { resetsInMs }: Pick<WindowReading, 'resetsInMs'>): Refusal {
  return { ok: false, limit, retryAfterSeconds: Math.max(1, Math.ceil(resetsInMs / 1_000)) };
}
