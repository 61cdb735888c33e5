import type { UpstreamErrorCode } from '@penstock/upstream-client';

/** What a failure shows: that the whole upstream is ill, that one model at it is, or nothing about it. */
export type Effect = 'member' | 'scope' | 'none';

/** What each failure before the response head shows of its upstream. A pool that is full or closing is not ill. */
export const ERROR_EFFECTS: Readonly<Record<UpstreamErrorCode, Effect>> = {
  slot_timeout: 'none', queue_full: 'none', draining: 'none',
  connect_timeout: 'member', unreachable: 'member', tls: 'member',
  reset: 'member', truncated: 'member', invalid_response: 'member',
  headers_timeout: 'member', idle_timeout: 'member', write_timeout: 'member',
  origin_mismatch: 'none', invalid_request: 'none', aborted: 'none',
};

/** The reasons of a failover: no byte was sent, or a status. */
export const FAILOVER_REASONS = ['not_sent', 'status_401', 'status_403', 'status_429', 'status_503', 'status_529', 'status_other'] as const;

/** One of `FAILOVER_REASONS`. */
export type FailoverReason = (typeof FAILOVER_REASONS)[number];

/** What one status is for a group. */
export interface StatusTraits {
  readonly effect: Effect;
  readonly reason: FailoverReason;
  /** Which refusal helps the client most, where all upstreams refused: the smallest number. */
  readonly order: number;
}

/** 429 and 403 are about a model: quotas and entitlements are by model. */
const STATUS_TRAITS: ReadonlyMap<number, StatusTraits> = new Map([
  [429, { effect: 'scope', reason: 'status_429', order: 0 }],
  [529, { effect: 'member', reason: 'status_529', order: 1 }],
  [503, { effect: 'member', reason: 'status_503', order: 2 }],
  [401, { effect: 'member', reason: 'status_401', order: 4 }],
  [403, { effect: 'scope', reason: 'status_403', order: 4 }],
]);

const OTHER_STATUS: StatusTraits = { effect: 'none', reason: 'status_other', order: 4 };

/** What a response status shows of its upstream. */
export function statusTraits(status: number): StatusTraits {
  return status < 400 ? OTHER_STATUS : STATUS_TRAITS.get(status) ?? OTHER_STATUS;
}

/** The order of errors of our own among refusals: a pool that is full says when to come again, an upstream that is not reached does not. */
export function errorOrder(code: UpstreamErrorCode | undefined): number {
  return code === 'slot_timeout' || code === 'queue_full' ? 3 : 5;
}
