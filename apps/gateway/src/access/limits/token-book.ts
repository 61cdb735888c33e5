import { refuse, tokensKey, type Refusal } from './decide-admission.ts';
import { createOwedSteps } from './owed-steps.ts';
import { isStorePaused, type StoreGuard } from './store-guard.ts';
import { chargeFor, limitWithoutRoom, NO_TOKENS, reservationFor, type TokenAmounts, type TokenLimits, type TokenReading } from './token-limits.ts';
import type { CounterStore } from './counter-store.ts';
import type { ReportStoreFailure } from './lease-book.ts';
import type { StoreFailurePolicy } from '../../config/sections/limits-section.ts';

/** The tokens of one admitted request. */
export interface TokenLease {
  /**
   * Reserves what the request may cost, at most the whole of each limit; to be called once, before the request is sent. Resolves to why it
   * may not run, and then nothing is reserved. Never rejects, and settles within the store's timeout; no promise where tokens are counted in memory.
   */
  reserve(bounds: TokenAmounts): Refusal | undefined | Promise<Refusal | undefined>;
  /** Turns the reservation into what was used, once: every call after the first does nothing. */
  settle(used: TokenAmounts): void;
}

/** What a token book works with. */
export interface TokenBookOptions {
  readonly store: CounterStore;
  readonly guard: StoreGuard;
  readonly renewEveryMs: number;
  readonly limitsOf: (clientName: string) => TokenLimits | undefined;
  readonly failurePolicy: () => StoreFailurePolicy;
  readonly report: ReportStoreFailure;
}

/** Knows which tokens this process has reserved. */
export interface TokenBook {
  /** `counterKey` is what the tokens are counted by; `clientName` has the limits. */
  open(clientName: string, leaseId: string, counterKey?: string): TokenLease;
  /** Reservations held now. */
  readonly size: number;
  close(): void;
}

/** When a running request ends is not known; a client that waits a second does no harm. */
const RETRY_FOR_TOKENS_SECONDS = 1;

/** Makes a token book, which renews its reservations until they are settled. */
export function createTokenBook(options: TokenBookOptions): TokenBook {
  const { store, guard, renewEveryMs, limitsOf, failurePolicy, report } = options;
  const reserved = new Map<string, Map<string, TokenAmounts>>();
  const owed = createOwedSteps(renewEveryMs);
  let size = 0;

  const renewal = setInterval(() => {
    for (const [key, leases] of reserved) {
      store.renewTokens(key, [...leases].map(([leaseId, tokens]) => ({ leaseId, tokens }))).catch((error: unknown) => report('renew', error));
    }
  }, renewEveryMs);
  renewal.unref();

  function hold(key: string, leaseId: string, tokens: TokenAmounts): void {
    const held = reserved.get(key) ?? new Map<string, TokenAmounts>();
    reserved.set(key, held.set(leaseId, tokens));
    size += 1;
  }

  function drop(key: string, leaseId: string): void {
    const held = reserved.get(key);
    if (held?.delete(leaseId) === true) size -= 1;
    if (held?.size === 0) reserved.delete(key);
  }

  function settleInStore(key: string, leaseId: string, used: TokenAmounts): void {
    const attempt = (isRetry: boolean): Promise<void> => store.settleTokens(key, { leaseId, used, isRetry });
    attempt(false).catch((error: unknown) => {
      report('charge', error);
      owed.owe(leaseId, () => attempt(true));
    });
  }

  return {
    open(clientName, leaseId, counterKey = clientName) {
      const key = tokensKey(counterKey);
      let isReserved = false;
      let isSettled = false;

      async function reserve(bounds: TokenAmounts): Promise<Refusal | undefined> {
        const limits = limitsOf(clientName);
        if (limits === undefined || isReserved || isSettled) return undefined;
        isReserved = true;
        const tokens = reservationFor(bounds, limits);
        try {
          const reading = await guard.run(() => store.reserveTokens(key, { leaseId, tokens }, limits));
          if (reading !== undefined) {
            isReserved = false;
            return explainReading(reading, tokens, limits);
          }
        } catch (error) {
          report('admit', error);
          if (failurePolicy() === 'closed') {
            // It may have been reserved although the answer never came.
            if (!isStorePaused(error)) settleInStore(key, leaseId, NO_TOKENS);
            isReserved = false;
            return { ok: false, limit: 'store_unavailable', retryAfterSeconds: 1 };
          }
        }
        if (isSettled) settleInStore(key, leaseId, NO_TOKENS);
        else hold(key, leaseId, tokens);
        return undefined;
      }

      function settle(used: TokenAmounts): void {
        if (isSettled) return;
        isSettled = true;
        const charged = chargeFor(used, limitsOf(clientName));
        if (!isReserved && charged.input_tokens_per_minute === 0 && charged.output_tokens_per_minute === 0) return;
        drop(key, leaseId);
        settleInStore(key, leaseId, charged);
      }

      return { reserve, settle };
    },
    get size() {
      return size;
    },
    close: () => {
      clearInterval(renewal);
      owed.close();
    },
  };
}

/** A window that is spent is waited for; tokens that are only reserved come back when a request ends. */
export function explainReading(reading: TokenReading, wanted: TokenAmounts, limits: TokenLimits): Refusal {
  const isSpent = limitWithoutRoom({ ...reading, reserved: NO_TOKENS }, wanted, limits);
  if (isSpent !== undefined) return refuse(isSpent, reading);
  return { ok: false, limit: limitWithoutRoom(reading, wanted, limits) ?? 'output_tokens_per_minute', retryAfterSeconds: RETRY_FOR_TOKENS_SECONDS };
}
