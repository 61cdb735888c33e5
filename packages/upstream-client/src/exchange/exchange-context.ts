import type { CreateBodyCheck, ResolvedLimits } from '../options.ts';
import type { SlotHolder } from '../pool/slot.ts';
import type { RestRule } from '../pool/slot-rest.ts';
import type { DisconnectReason, Notify } from '../upstream-events.ts';
import type { DeadlineClock } from './deadline-clock.ts';

/** The part of the slot pool a request uses. */
export interface SlotSource {
  acquire(holder: SlotHolder): void;
  abandon(holder: SlotHolder, reason: DisconnectReason): void;
  release(holder: SlotHolder): void;
  reconnect(holder: SlotHolder): void;
  endLongLived(holder: SlotHolder): void;
  readonly rest: RestRule;
}

/** What all requests of one client share. */
export interface ExchangeContext {
  readonly pool: SlotSource;
  readonly clock: DeadlineClock;
  readonly limits: ResolvedLimits;
  readonly closeDelimitedCheck: CreateBodyCheck | undefined;
  readonly url: URL;
  /** Given to undici with every request, so that no `host` header can change it. */
  readonly servername: string | undefined;
  readonly notify: Notify;
  readonly wants: (name: 'acquired' | 'released') => boolean;
  /** Whether nothing is done through private parts of undici for the sake of speed. */
  readonly isPlain: boolean;
  readonly onHandlerError: (error: unknown) => void;
}
