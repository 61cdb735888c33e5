import type { UpstreamHandler } from '@penstock/upstream-client';
import type { Dispatcher } from 'undici';
import type { GroupDispatchOptions, GroupSettings } from './group-options.ts';
import type { GroupNote } from './health/group-note.ts';
import type { MemberHealthView } from './health/member-health.ts';

/** One member at one moment. */
export interface MemberStatus extends MemberHealthView {
  readonly name: string;
  readonly weight: number;
  readonly tier: number;
  /** Requests that hold or want a connection, as a part of the pool. */
  readonly load: number;
}

/** An undici dispatcher over several upstream clients. */
export interface UpstreamGroup extends Dispatcher {
  /** Sends one request; throws nothing but a `TypeError` for a handler that is none. Every failure goes to `handler.onResponseError`. */
  dispatch(options: GroupDispatchOptions, handler: UpstreamHandler): boolean;
  /** All members at this moment. */
  members(): readonly MemberStatus[];
  /** Sessions that were moved and are remembered. */
  movedSessions(): number;
  /** What a new process with the same members has to take, so that it sees health and moved sessions as this one: at most 10,000 moves. */
  notes(): readonly GroupNote[];
  /** Takes what the same group of another process noted (`events.noted`). None of it counts as an event of this one. */
  take(notes: readonly GroupNote[]): void;
  /** Forgets the failures of a member, for a new credential. */
  forgetHealth(member: string): void;
  /** Replaces the settings for requests from now on. Requests under way keep theirs; members that left are not closed here. Throws `invalid_option`. */
  update(settings: GroupSettings): void;
  /** Closes the clients of all members. */
  close(): Promise<void>;
  close(callback: () => void): void;
  /** Destroys the clients of all members. */
  destroy(): Promise<void>;
  destroy(error: Error | null): Promise<void>;
  destroy(callback: () => void): void;
  destroy(error: Error | null, callback: () => void): void;
}
