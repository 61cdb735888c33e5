import { randomUUID } from 'node:crypto';
import { decideAdmission, tokensKey } from './decide-admission.ts';
import { limitsByName } from './held-limits.ts';
import { createLeaseBook, type StoreOperation } from './lease-book.ts';
import { DEFAULT_TIMING, type Admission, type Lease, type Limiter, type LimiterOptions } from './limiter.ts';
import { createRedisStore } from './redis-store.ts';
import { createStoreGuard, isStorePaused } from './store-guard.ts';
import { createTokenBook } from './token-book.ts';
import { NO_TOKENS, TOKEN_LIMIT_NAMES } from './token-limits.ts';
import { createTokenRatios } from './token-ratios.ts';

/** Makes a limiter that counts in a store which replicas share. */
export function createStoreLimiter(options: LimiterOptions): Limiter {
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const store = createRedisStore({
    url: options.store, keyPrefix: `penstock:${options.scope}`, windowSeconds: timing.windowSeconds, commandTimeoutMs: timing.storeTimeoutMs, leaseTtlMs: timing.leaseTtlMs,
  });
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
  const probing = setInterval(() => { if (guard.failingSince !== undefined) void probe(); }, timing.probeEveryMs).unref();

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

/** Whose limits, and what they are counted by. */
interface Counted {
  readonly clientName: string;
  readonly counterKey: string;
}
