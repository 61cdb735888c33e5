import { counterKey } from './decide-admission.ts';
import type { CounterStore } from './counter-store.ts';
import type { ClientLimits } from '../config/sections/clients-section.ts';

/** A step that the store failed at. */
export type StoreOperation = 'admit' | 'release' | 'charge' | 'renew';

/** Tokens to charge a client for one response. */
export interface TokenCharge {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** One admitted request. */
export interface Lease {
  /** Gives the place back; every call after the first does nothing. */
  release(): void;
  /** Charges observed tokens to the client's minute, before or after the release. */
  charge(tokens: TokenCharge): void;
}

/** What a lease book works with. */
export interface LeaseBookOptions {
  readonly store: CounterStore;
  readonly renewEveryMs: number;
  readonly limitsOf: (clientName: string) => ClientLimits | undefined;
  readonly report: (operation: StoreOperation, error: unknown) => void;
}

/** Knows which leases this process holds. */
export interface LeaseBook {
  /** Writes a lease down; `holdsPlace` when it counts as a concurrent request. */
  open(clientName: string, leaseId: string, holdsPlace: boolean): Lease;
  readonly size: number;
  close(): void;
}

/** How often what is owed is given back again, as a part of the time between renewals. */
const RETRIES_PER_RENEWAL = 10;
/** A place that is not renewed lives as long as three renewals take; after that nothing is owed. */
const RETRIES = 3 * RETRIES_PER_RENEWAL;

/** Makes a lease book, which renews the places of its leases until they are released. */
export function createLeaseBook({ store, renewEveryMs, limitsOf, report }: LeaseBookOptions): LeaseBook {
  /** Leases that hold a place, by the key of their counter. */
  const places = new Map<string, Set<string>>();
  let size = 0;

  const renewal = setInterval(() => {
    for (const [key, leaseIds] of places) {
      store.renew(key, [...leaseIds]).catch((error: unknown) => report('renew', error));
    }
  }, renewEveryMs);
  renewal.unref();

  /** Places that the store did not take back, with the attempts that are left. */
  const owed = new Map<string, { readonly key: string; retriesLeft: number }>();
  let retry: NodeJS.Timeout | undefined;

  function giveBackOwed(): void {
    retry = undefined;
    for (const [leaseId, debt] of owed) {
      debt.retriesLeft -= 1;
      const settle = (): void => { owed.delete(leaseId); };
      store.giveBack(debt.key, leaseId).then(settle, debt.retriesLeft > 0 ? () => undefined : settle);
    }
    retryLater();
  }

  function retryLater(): void {
    if (owed.size === 0 || retry !== undefined) return;
    retry = setTimeout(giveBackOwed, renewEveryMs / RETRIES_PER_RENEWAL);
    retry.unref();
  }

  function holdPlace(key: string, leaseId: string): void {
    const held = places.get(key) ?? new Set();
    places.set(key, held.add(leaseId));
  }

  function dropPlace(key: string, leaseId: string): void {
    const held = places.get(key);
    held?.delete(leaseId);
    if (held?.size === 0) places.delete(key);
    // Nothing renews it any more, so it expires; but a client with few places must not wait for that when the store is well again.
    store.giveBack(key, leaseId).catch((error: unknown) => {
      report('release', error);
      owed.set(leaseId, { key, retriesLeft: RETRIES });
      retryLater();
    });
  }

  function charge(clientName: string, { inputTokens, outputTokens }: TokenCharge): void {
    const limits = limitsOf(clientName);
    for (const [limit, tokens] of [['input_tokens_per_minute', inputTokens], ['output_tokens_per_minute', outputTokens]] as const) {
      if (limits?.[limit] === undefined || !Number.isFinite(tokens) || tokens < 1) continue;
      store.add(counterKey(clientName, limit), Math.trunc(tokens)).catch((error: unknown) => report('charge', error));
    }
  }

  return {
    open(clientName, leaseId, holdsPlace) {
      const key = counterKey(clientName, 'concurrent_requests');
      let isReleased = false;
      size += 1;
      if (holdsPlace) holdPlace(key, leaseId);
      return {
        release: () => {
          if (isReleased) return;
          isReleased = true;
          size -= 1;
          if (holdsPlace) dropPlace(key, leaseId);
        },
        charge: (tokens) => charge(clientName, tokens),
      };
    },
    get size() {
      return size;
    },
    close: () => {
      clearInterval(renewal);
      clearTimeout(retry);
    },
  };
}
