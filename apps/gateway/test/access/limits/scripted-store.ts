import type { CounterStore, WindowReading } from '../../../src/access/limits/counter-store.ts';
import type { TokenReading } from '../../../src/access/limits/token-limits.ts';

/** A store whose every step a test sees, and may let fail. */
export interface ScriptedStore extends CounterStore {
  /** Each step as it was asked for: its name, then what it was given. */
  readonly asked: (readonly unknown[])[];
  /** Steps that reject now. */
  readonly failing: Set<keyof CounterStore>;
}

/** Makes a store in which nothing is ever taken or spent. */
export function createScriptedStore(overrides: Partial<CounterStore> = {}): ScriptedStore {
  const asked: (readonly unknown[])[] = [];
  const failing = new Set<keyof CounterStore>();
  const step = async <Result>(name: keyof CounterStore, given: readonly unknown[], result: Result): Promise<Result> => {
    asked.push([name, ...given]);
    if (failing.has(name)) throw new Error(`${name} failed`);
    return result;
  };
  return {
    asked, failing,
    add: (key, amount) => step<WindowReading>('add', [key, amount], { consumed: amount, resetsInMs: 1_000 }),
    take: (key, limit, leaseId) => step('take', [key, limit, leaseId], true),
    giveBack: (key, leaseId) => step('giveBack', [key, leaseId], undefined),
    renew: (key, leaseIds) => step('renew', [key, leaseIds], undefined),
    readTokens: (key) => step<TokenReading | undefined>('readTokens', [key], undefined),
    reserveTokens: (key, reservation) => step<TokenReading | undefined>('reserveTokens', [key, reservation], undefined),
    settleTokens: (key, settlement) => step('settleTokens', [key, settlement], undefined),
    renewTokens: (key, reservations) => step('renewTokens', [key, reservations], undefined),
    ready: async () => true,
    close: () => undefined,
    ...overrides,
  };
}
