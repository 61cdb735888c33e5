import type { RequestTimeouts, UpstreamBody, UpstreamDispatchOptions, UpstreamHandler } from '@penstock/upstream-client';
import type { FailoverReason } from './health/failure-effects.ts';
import type { GroupNote } from './health/group-note.ts';
import type { ReadQuota } from './health/read-quota.ts';
import type { BodyEdit } from './tries/body-edit.ts';
import type { ReplayableBody } from './tries/replayable-body.ts';

/** What a group needs of an upstream client. */
export interface GroupClient {
  dispatch(options: UpstreamDispatchOptions, handler: UpstreamHandler): boolean;
  /** Requests that hold or want a connection, as a part of the pool; above 1 some wait. */
  load(): number;
  /** Absent: the group closes nothing. */
  close?(options?: { readonly graceMs?: number }): Promise<void>;
  destroy?(error?: Error | null): Promise<void>;
}

/** After what a request goes to the next member: `not_sent` (no byte of it was written), or the status of a response that shows that it did not run. */
export type FailOverOn = 'not_sent' | number;

/** One upstream of a group. */
export interface GroupMember {
  /** What events and metrics name it by; unique in its group. */
  readonly name: string;
  readonly client: GroupClient;
  /** Its part of the sessions, in proportion to the weights of the others. More than 0. @defaultValue 1 */
  readonly weight?: number;
  /** Members of a higher tier are asked only where none of a lower one is well. @defaultValue 0 */
  readonly tier?: number;
  /** @defaultValue `failOverOn` of the group */
  readonly failOverOn?: readonly FailOverOn[];
}

/** What came of a try that is not the answer. */
export interface TryFailure {
  readonly from: string;
  readonly reason: FailoverReason;
  /** The refusal of `from`; absent for `not_sent`. */
  readonly status?: number;
  /** The fields of that refusal: names and values by turns. */
  readonly rawHeaders?: readonly string[];
  /** Why it was not sent; absent for a refusal. */
  readonly error?: Error;
}

/** What a request is moved from and to, and why. */
export interface Failover extends TryFailure {
  readonly to: string;
}

/** What a group reports of each request. An exception goes to `process.emitWarning`. */
export interface GroupEvents {
  /** A request that `from` did not take goes to `to`. */
  failedOver?(failover: Failover): void;
  /** A session is served by `to` from now on, because `from` is ill or its quota is spent. */
  moved?(move: { readonly from: string; readonly to: string }): void;
  /** Something that the groups of other processes with the same members do not know: give it to their `take`, later or never, in any number. */
  noted?(note: GroupNote): void;
}

/** The settings of a group that `update` replaces. */
export interface GroupSettings {
  readonly members: readonly GroupMember[];
  /** The part of a pool from which a request, not its session, goes to another member. More than 0, at most 1. @defaultValue 1 */
  readonly spillAt?: number;
  /** The part of a quota below which sessions move. From 0 (never) to below 1. @defaultValue 0.02 */
  readonly quotaFloor?: number;
  /** @defaultValue `DEFAULT_FAIL_OVER_ON` */
  readonly failOverOn?: readonly FailOverOn[];
  /** The first and the longest cool-down, in milliseconds. @defaultValue 1,000 and 60,000 */
  readonly coolDownMs?: readonly [number, number];
  /** The wait for a connection, over all tries of one request. @defaultValue `DEFAULT_TIMEOUTS.slotWaitMs` of the upstream client */
  readonly slotWaitMs?: number;
  /** The wait for the head of the response over all tries, from when the first one that was sent was sent whole; before one is, from the arrival. @defaultValue `DEFAULT_TIMEOUTS.headersMs` */
  readonly headersMs?: number;
}

/** Options of `createUpstreamGroup`. */
export interface UpstreamGroupOptions extends GroupSettings {
  readonly events?: GroupEvents;
  /** @defaultValue `readAnthropicQuota` */
  readonly readQuota?: ReadQuota;
}

/** The statuses with which the Anthropic API refuses a request that it did not run, and requests that were not sent. */
export const DEFAULT_FAIL_OVER_ON: readonly FailOverOn[] = Object.freeze(['not_sent', 401, 403, 429, 503, 529] as const);

/** What differs between the tries of a request. */
export interface TryRequest {
  /** @defaultValue that of the dispatch options */
  readonly path?: string;
  /** A list of the try's own: credentials and `host` belong to one upstream. @defaultValue that of the dispatch options */
  readonly headers?: string[];
  /**
   * Bytes that this member gets otherwise: of a body that is text, bytes, a list of chunks or a `ReplayableBody`. `content-length` is to be that of the
   * edited body. An edit of any other body, or outside of it, counts as `not_sent` there. @defaultValue the body as it is
   */
  readonly body?: BodyEdit | undefined;
  /** Clocks of the try's own; a second or later one waits for a connection no longer than the dispatch options leave it. @defaultValue those of the dispatch options */
  readonly timeouts?: Partial<RequestTimeouts>;
}

/** How one request is routed, and what it sees of its tries. One object may serve as its own callbacks. */
export interface RoutedRequest {
  /** What keeps its requests at one member, such as the id of a session. Absent: chance. */
  readonly stickyKey?: string | undefined;
  /** Whose key it is: one owner fills no more than a part of the table of moves. @defaultValue all keys have one owner */
  readonly owner?: string | undefined;
  /** What quotas and 429 or 403 are counted by, such as the model. @defaultValue '' */
  readonly scope?: string | undefined;
  /** The one member that may serve it: it is neither spilled nor tried elsewhere. Absent: any */
  readonly only?: string | undefined;
  /** Whether a member may serve it. Absent: all may. */
  allows?(member: string): boolean;
  /**
   * Makes the request anew for a member, at once or, where a credential must be fetched or a signature made, later: while the promise is pending, nothing
   * is sent and no connection is held. An exception and a rejection count as `not_sent` there, unless `endsRequest` is true of it. Of a gathered body all
   * chunks are there until it is settled.
   */
  requestFor?(member: string, attempt: number): TryRequest | Promise<TryRequest>;
  /**
   * Whether what `requestFor` threw or rejected with is about the request, not about the member: it is the error of the request as it is, shows nothing of
   * the member, and no other one is tried. Absent: never.
   */
  endsRequest?(error: unknown): boolean;
  /** A member was chosen, and the request goes there next. */
  tried?(member: string, attempt: number): void;
  failedOver?(failover: Failover): void;
  /** The answer that comes next is the refusal or error of `member`, which was tried before `dropped`: all others help the client less. */
  answeredBy?(member: string, dropped: TryFailure): void;
}

/** Options of one request to a group. */
export interface GroupDispatchOptions extends Omit<UpstreamDispatchOptions, 'body'> {
  /**
   * A body that is text, bytes or a list of chunks can be sent again as it is; a `ReplayableBody` likewise, and it releases its memory. Any other is a
   * stream, with which a request moves on only while no byte of it was read.
   */
  readonly body?: UpstreamBody | ReplayableBody;
  readonly route?: RoutedRequest | undefined;
}
