import { randomUUID } from 'node:crypto';
import { decideAdmission } from './decide-admission.ts';
import { createLeaseBook } from './lease-book.ts';
import { createMemoryStore } from './memory-store.ts';
import { createRedisStore } from './redis-store.ts';
import { createStoreGuard, isStorePaused } from './store-guard.ts';
import { divideLimits } from './worker-share.ts';
import type { CounterStore } from './counter-store.ts';
import type { Refusal } from './decide-admission.ts';
import type { Lease, StoreOperation } from './lease-book.ts';
import type { WorkerShare } from './worker-share.ts';
import type { ClientConfig, ClientLimits } from '../config/sections/clients-section.ts';
import type { StoreFailurePolicy } from '../config/sections/limits-section.ts';
import type { Side } from '../request-record.ts';

/** What a limiter counts, where, and what happens when the store is down. */
export interface LimiterOptions {
  readonly clients: readonly Pick<ClientConfig, 'name' | 'limits'>[];
  /** `memory`, or a redis:// or rediss:// URL. */
  readonly store: string;
  /** Each side counts for itself. */
  readonly scope: Side;
  /** `open` admits while the store is down, `closed` refuses. @defaultValue 'open' */
  readonly failurePolicy?: StoreFailurePolicy;
  /** Called for every step that the store failed at, each admission decided without it included. Errors it throws are ignored. */
  readonly onStoreFailure?: (failure: { readonly operation: StoreOperation; readonly error: unknown }) => void;
  /** This worker among the gateway's; memory limits are divided by it. @defaultValue { index: 0, count: 1 } */
  readonly share?: WorkerShare;
  /** Overrides for tests. */
  readonly timing?: Partial<LimiterTiming>;
}

/** The clocks of a limiter. */
export interface LimiterTiming {
  /** The window of the per-minute limits. */
  readonly windowSeconds: number;
  /** Longest time an admission waits for the store. */
  readonly storeTimeoutMs: number;
  /** Life of a place that is not renewed; it is renewed three times in that span. */
  readonly leaseTtlMs: number;
}

/** The clocks as they are documented. */
export const DEFAULT_TIMING: LimiterTiming = Object.freeze({ windowSeconds: 60, storeTimeoutMs: 250, leaseTtlMs: 30_000 });

/** Whether a request may run. */
export type Admission = { readonly ok: true; readonly lease: Lease } | Refusal;

/** Limits what each client may use at once and a minute. */
export interface Limiter {
  /** Whether a client has limits; without, `admit` need not be called. */
  needsLimits(clientName: string): boolean;
  /** Whether a client's tokens are limited, so that its responses must be readable. */
  limitsTokens(clientName: string): boolean;
  /** Decides on one request. Never rejects, and settles within the store's timeout. */
  admit(clientName: string): Promise<Admission>;
  /** Takes new limits; running leases keep their places. */
  update(clients: LimiterOptions['clients'], failurePolicy?: StoreFailurePolicy): void;
  /** Resolves to whether the store can be asked, within about a second. */
  ready(): Promise<boolean>;
  /** Leases held now, by all clients of this process. */
  readonly held: number;
  /** Disconnects. Places still held expire by themselves. */
  close(): void;
}

/** Makes a limiter; one for each side of the gateway. */
export function createLimiter(options: LimiterOptions): Limiter {
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const store = openStore(options, timing);
  const guard = createStoreGuard(timing.storeTimeoutMs);
  const replica = randomUUID();
  let leasesMade = 0;
  let limitsOf = limitsByName(options);
  let failurePolicy = options.failurePolicy ?? 'open';

  function report(operation: StoreOperation, error: unknown): void {
    try {
      options.onStoreFailure?.({ operation, error });
    } catch {
      // Observing never hurts: what counts failures must not make one.
    }
  }

  const book = createLeaseBook({
    store, renewEveryMs: timing.leaseTtlMs / 3, report, limitsOf: (clientName) => limitsOf.get(clientName),
  });

  async function admit(clientName: string): Promise<Admission> {
    const limits = limitsOf.get(clientName);
    const leaseId = `${replica}:${leasesMade += 1}`;
    if (limits === undefined) return { ok: true, lease: book.open(clientName, leaseId, false) };
    const holdsPlace = limits.concurrent_requests !== undefined;
    try {
      const refusal = await guard.run((isAbandoned) => decideAdmission({ store, clientName, limits, leaseId, isAbandoned }));
      return refusal ?? { ok: true, lease: book.open(clientName, leaseId, holdsPlace) };
    } catch (error) {
      report('admit', error);
      // The place may have been taken although the answer never came. An open lease renews it, a refused one gives it back.
      if (failurePolicy === 'open') return { ok: true, lease: book.open(clientName, leaseId, holdsPlace) };
      if (holdsPlace && !isStorePaused(error)) book.open(clientName, leaseId, true).release();
      return { ok: false, limit: 'store_unavailable', retryAfterSeconds: 1 };
    }
  }

  return {
    needsLimits: (clientName) => limitsOf.has(clientName),
    limitsTokens: (clientName) => {
      const limits = limitsOf.get(clientName);
      return limits?.input_tokens_per_minute !== undefined || limits?.output_tokens_per_minute !== undefined;
    },
    admit,
    update: (clients, policy = failurePolicy) => {
      limitsOf = limitsByName({ ...options, clients });
      failurePolicy = policy;
    },
    ready: async () => await store.ready(),
    get held() {
      return book.size;
    },
    close: () => {
      book.close();
      store.close();
    },
  };
}

function openStore({ store, scope }: LimiterOptions, { windowSeconds, storeTimeoutMs, leaseTtlMs }: LimiterTiming): CounterStore {
  if (store === 'memory') return createMemoryStore(windowSeconds);
  return createRedisStore({ url: store, keyPrefix: `penstock:${scope}`, windowSeconds, commandTimeoutMs: storeTimeoutMs, leaseTtlMs });
}

/** The limits that this process holds, of the clients that have any. */
function limitsByName({ clients, store, share = { index: 0, count: 1 } }: LimiterOptions): ReadonlyMap<string, ClientLimits> {
  return new Map(clients.flatMap(({ name, limits }): [string, ClientLimits][] => {
    if (limits === undefined || Object.values(limits).every((limit) => limit === undefined)) return [];
    return [[name, store === 'memory' ? divideLimits(limits, share) : limits]];
  }));
}
