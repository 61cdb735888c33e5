/** A counter of the current window. */
export interface WindowReading {
  readonly consumed: number;
  /** Milliseconds until the window ends and the counter starts anew. */
  readonly resetsInMs: number;
}

/**
 * Where limits are counted: in this process, or in a store that replicas share. Every method rejects when the store fails, and settles
 * within a bounded time.
 */
export interface CounterStore {
  /** Adds to a window's counter; the first addition starts the window. */
  add(key: string, amount: number): Promise<WindowReading>;
  /** Reads a window's counter; undefined when no window runs. */
  read(key: string): Promise<WindowReading | undefined>;
  /** Takes a place for a lease unless `limit` places are taken; resolves to whether it was taken. */
  take(key: string, limit: number, leaseId: string): Promise<boolean>;
  /** Gives a lease's place back; a lease that holds none is no error. */
  giveBack(key: string, leaseId: string): Promise<void>;
  /** Says that leases are still held, and takes their places again where the store has lost them. */
  renew(key: string, leaseIds: readonly string[]): Promise<void>;
  /** Resolves when the store can be asked, to false when it cannot be reached in time. */
  ready(): Promise<boolean>;
  /** Forgets connections and timers. Places stay taken until they expire. */
  close(): void;
}
