import { counterKey } from './decide-admission.ts';
import { createOwedSteps } from './owed-steps.ts';
import type { CounterStore } from './counter-store.ts';

/** A step that the store failed at. */
export type StoreOperation = 'admit' | 'release' | 'charge' | 'renew';

/** Reports a step that the store failed at; never throws. */
export type ReportStoreFailure = (operation: StoreOperation, error: unknown) => void;

/** The right of one admitted request to run. */
export interface PlaceLease {
  /** Gives the place back; every call after the first does nothing. */
  release(): void;
}

/** What a lease book works with. */
export interface LeaseBookOptions {
  readonly store: CounterStore;
  readonly renewEveryMs: number;
  readonly report: ReportStoreFailure;
}

/** Knows which leases this process holds. */
export interface LeaseBook {
  /** Writes a lease down; `holdsPlace` when it counts as a concurrent request. */
  open(clientName: string, leaseId: string, holdsPlace: boolean): PlaceLease;
  readonly size: number;
  close(): void;
}

/** Makes a lease book, which renews the places of its leases until they are released. */
export function createLeaseBook({ store, renewEveryMs, report }: LeaseBookOptions): LeaseBook {
  /** Leases that hold a place, by the key of their counter. */
  const places = new Map<string, Set<string>>();
  const owed = createOwedSteps(renewEveryMs);
  let size = 0;

  const renewal = setInterval(() => {
    for (const [key, leaseIds] of places) {
      store.renew(key, [...leaseIds]).catch((error: unknown) => report('renew', error));
    }
  }, renewEveryMs);
  renewal.unref();

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
      owed.owe(leaseId, () => store.giveBack(key, leaseId));
    });
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
      };
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
