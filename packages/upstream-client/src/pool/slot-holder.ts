import type { Client } from 'undici';
import type { AcquisitionSource, RejectionReason } from '../upstream-events.ts';
import type { Slot } from './slot.ts';
import type { WaiterLine } from './waiter-queue.ts';

/** What the pool asks of a request that wants a slot; `now` is `performance.now()`. The pool is consistent at every call, which may come back at once. */
export interface SlotHolder {
  slot: Slot | undefined;
  readonly connectMs: number;
  /** Whose request it is; absent where clients are not told apart. */
  readonly client: string | undefined;
  /** Whether it counts among those that hold a slot for long. */
  isLongLived: boolean;
  /** The line it waits in; defined while it waits. This and the links are written by the queue alone. */
  line: WaiterLine | undefined;
  previousWaiter: SlotHolder | undefined;
  nextWaiter: SlotHolder | undefined;
  /** True while it waits only for a connection that is about to be free again. */
  imminent: boolean;
  /** It has a slot; a connection may still have to be made. */
  onAcquired(slot: Slot, source: AcquisitionSource, now: number): void;
  /** Its slot has a connection: send. */
  onConnected(slot: Slot, client: Client, now: number): void;
  onConnectFailed(error: Error): void;
  /** The client is being destroyed, with the caller's own error or none. */
  onShutdown(error: Error | null): void;
  /** The response head grew past its limit. */
  onHeadOverflow(): void;
  onRejected(reason: RejectionReason): void;
}
