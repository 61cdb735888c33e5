import { randomUUID } from 'node:crypto';
import { decideAdmission, tokensKey } from './decide-admission.ts';
import { createLeaseBook, type StoreOperation } from './lease-book.ts';
import { createMemoryStore } from './memory-store.ts';
import { createRedisStore } from './redis-store.ts';
import { createStoreGuard, isStorePaused } from './store-guard.ts';
import { createTokenBook, type TokenLease } from './token-book.ts';
import { NO_TOKENS, TOKEN_LIMIT_NAMES, tokenLimitsOf, type TokenLimitName, type TokenLimits } from './token-limits.ts';
import { createTokenRatios, type TokenRatios } from './token-ratios.ts';
import type { CounterStore } from './counter-store.ts';
import type { Refusal } from './decide-admission.ts';
import { divideLimits, type WorkerShare } from '../../config/worker-share.ts';
import type { ClientConfig, ClientLimits } from '../../config/sections/clients-section.ts';
import type { StoreFailurePolicy } from '../../config/sections/limits-section.ts';
import type { Side } from '../../request/request-record.ts';

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
  /** How often a store that fails is asked whether it is back, beside requests. */
  readonly probeEveryMs: number;
}

/** The clocks as they are documented. */
export const DEFAULT_TIMING: LimiterTiming = Object.freeze({ windowSeconds: 60, storeTimeoutMs: 250, leaseTtlMs: 30_000, probeEveryMs: 5_000 });

/** One admitted request. */
export interface Lease extends TokenLease {
  /** Gives the place back, and what is still reserved; every call after the first does nothing. */
  release(): void;
}

/** Whether a request may run. */
export type Admission = { readonly ok: true; readonly lease: Lease } | Refusal;

/** Limits what each client may use at once and a minute. */
export interface Limiter {
  /** Whether a client has limits; without, `admit` need not be called. */
  needsLimits(clientName: string): boolean;
  /** Whether a client's tokens are limited, so that its responses must be readable. */
  limitsTokens(clientName: string): boolean;
  /** The token limits that a client has. */
  tokenLimitsOf(clientName: string): readonly TokenLimitName[];
  /** Bytes a token by what was seen of each model. */
  readonly ratios: TokenRatios;
  /**
   * Decides on one request by the limits that a name has, counted by a key: several persons have the limits of one policy, each for itself.
   * Never rejects, and settles within the store's timeout.
   * @defaultValue the name is the key
   */
  admit(clientName: string, counterKey?: string): Promise<Admission>;
  /** Takes new limits; running leases keep their places. */
  update(clients: LimiterOptions['clients'], failurePolicy?: StoreFailurePolicy): void;
  /** The store fails, since when, and what becomes of requests; asked at the start, by each admission, and again while it fails. */
  failure(): { readonly since: number; readonly policy: StoreFailurePolicy } | undefined;
  /** Resolves to whether the store is reachable, within about a second. */
  ready(): Promise<boolean>;
  /** Leases held now, by all clients of this process. */
  readonly held: number;
  /** Leases that hold tokens now. */
  readonly reservations: number;
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

  const renewEveryMs = timing.leaseTtlMs / 3;
  const book = createLeaseBook({ store, renewEveryMs, report });
  const tokens = createTokenBook({ store, guard, renewEveryMs, report, limitsOf: (clientName) => limitsOf.get(clientName)?.tokens, failurePolicy: () => failurePolicy });

  // Reads a counter that no client has. It is no request: nothing is reported.
  const probe = async (): Promise<unknown> => guard.run(() => store.readTokens(tokensKey(''))).catch(() => undefined);
  // Memory does not fail.
  const probing = options.store === 'memory' ? undefined : setInterval(() => { if (guard.failingSince !== undefined) void probe(); }, timing.probeEveryMs).unref();

  function openLease({ clientName, counterKey }: Counted, leaseId: string, holdsPlace: boolean): Lease {
    const place = book.open(counterKey, leaseId, holdsPlace);
    const reservation = tokens.open(clientName, leaseId, counterKey);
    return {
      ...reservation,
      release: () => {
        reservation.settle(NO_TOKENS);
        place.release();
      },
    };
  }

  async function admit(clientName: string, counterKey = clientName): Promise<Admission> {
    const counted = { clientName, counterKey };
    const limits = limitsOf.get(clientName)?.all;
    const leaseId = `${replica}:${leasesMade += 1}`;
    if (limits === undefined) return { ok: true, lease: openLease(counted, leaseId, false) };
    const holdsPlace = limits.concurrent_requests !== undefined;
    try {
      const refusal = await guard.run((isAbandoned) => decideAdmission({ store, clientName: counterKey, limits, leaseId, isAbandoned }));
      return refusal ?? { ok: true, lease: openLease(counted, leaseId, holdsPlace) };
    } catch (error) {
      report('admit', error);
      // The place may have been taken although the answer never came. An open lease renews it, a refused one gives it back.
      if (failurePolicy === 'open') return { ok: true, lease: openLease(counted, leaseId, holdsPlace) };
      if (holdsPlace && !isStorePaused(error)) book.open(counterKey, leaseId, true).release();
      return { ok: false, limit: 'store_unavailable', retryAfterSeconds: 1 };
    }
  }

  return {
    needsLimits: (clientName) => limitsOf.has(clientName),
    limitsTokens: (clientName) => limitsOf.get(clientName)?.tokens !== undefined,
    tokenLimitsOf: (clientName) => TOKEN_LIMIT_NAMES.filter((name) => limitsOf.get(clientName)?.tokens?.[name] !== undefined),
    ratios: createTokenRatios(),
    admit,
    update: (clients, policy = failurePolicy) => {
      limitsOf = limitsByName({ ...options, clients });
      failurePolicy = policy;
    },
    failure: () => (guard.failingSince === undefined ? undefined : { since: guard.failingSince, policy: failurePolicy }),
    async ready() {
      const isReady = await store.ready();
      if (!isReady) await probe();
      return isReady;
    },
    get held() {
      return book.size;
    },
    get reservations() {
      return tokens.size;
    },
    close: () => {
      clearInterval(probing);
      book.close();
      tokens.close();
      store.close();
    },
  };
}

function openStore({ store, scope }: LimiterOptions, { windowSeconds, storeTimeoutMs, leaseTtlMs }: LimiterTiming): CounterStore {
  if (store === 'memory') return createMemoryStore(windowSeconds);
  return createRedisStore({ url: store, keyPrefix: `penstock:${scope}`, windowSeconds, commandTimeoutMs: storeTimeoutMs, leaseTtlMs });
}

/** Whose limits, and what they are counted by. */
interface Counted {
  readonly clientName: string;
  readonly counterKey: string;
}

/** What this process holds a client to. */
interface HeldLimits {
  readonly all: ClientLimits;
  /** Absent for a client whose tokens are not limited. */
  readonly tokens: TokenLimits | undefined;
}

/** The limits that this process holds, of the clients that have any. */
function limitsByName({ clients, store, share = { index: 0, count: 1 } }: LimiterOptions): ReadonlyMap<string, HeldLimits> {
  return new Map(clients.flatMap(({ name, limits }): [string, HeldLimits][] => {
    if (limits === undefined || Object.values(limits).every((limit) => limit === undefined)) return [];
    const all = store === 'memory' ? divideLimits(limits, share) : limits;
    return [[name, { all, tokens: tokenLimitsOf(all) }]];
  }));
}
