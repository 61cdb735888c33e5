import type { TokenAmounts, TokenLimits, TokenReading } from './token-limits.ts';

/** A counter of the current window. */
export interface WindowReading {
  readonly consumed: number;
  /** Milliseconds until the window ends and the counter starts anew. */
  readonly resetsInMs: number;
}

/** Tokens that one request holds until it has ended. */
export interface TokenReservation {
  readonly leaseId: string;
  readonly tokens: TokenAmounts;
}

/** How a reservation is settled. */
export interface TokenSettlement {
  readonly leaseId: string;
  readonly used: TokenAmounts;
  /** Charges only if the reservation is still there: an attempt that failed may have been carried out. */
  readonly isRetry: boolean;
}

/** Where tokens are counted. Every method rejects when the store fails, and settles within a bounded time. Each is one atomic step. */
export interface TokenCounters {
  /** Reads the counters; undefined when nothing is used and nothing reserved. */
  readTokens(key: string): Promise<TokenReading | undefined>;
  /** Reserves tokens of all limits or of none; resolves to undefined when they were reserved, else to what stands in the way. */
  reserveTokens(key: string, reservation: TokenReservation, limits: TokenLimits): Promise<TokenReading | undefined>;
  /** Turns a lease's reservation into tokens used; the first use starts the window. */
  settleTokens(key: string, settlement: TokenSettlement): Promise<void>;
  /** Says that reservations are still held, and makes them again where the store has lost them. */
  renewTokens(key: string, reservations: readonly TokenReservation[]): Promise<void>;
}

/**
 * Where limits are counted: in this process, or in a store that replicas share. Every method rejects when the store fails, and settles
 * within a bounded time. Each is one atomic step.
 */
export interface CounterStore extends TokenCounters {
  /** Adds to a window's counter; the first addition starts the window. */
  add(key: string, amount: number): Promise<WindowReading>;
  /** Takes a place for a lease unless `limit` places are taken; resolves to whether it was taken. */
  take(key: string, limit: number, leaseId: string): Promise<boolean>;
  /** Gives a lease's place back; a lease that holds none is no error. */
  giveBack(key: string, leaseId: string): Promise<void>;
  /** Says that leases are still held, and takes their places again where the store has lost them. */
  renew(key: string, leaseIds: readonly string[]): Promise<void>;
  /** Resolves when the store is reachable, to false when it is not in time. */
  ready(): Promise<boolean>;
  /** Forgets connections and timers. Places and reservations stay taken until they expire. */
  close(): void;
}
