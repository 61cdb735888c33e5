import type { OpenRequestFacts, RequestPhase } from '../../request/described-request.ts';
import type { Outcome, Side } from '../../request/request-record.ts';
import type { UpstreamSnapshot } from '../upstreams/upstream-snapshot.ts';
import type { Quota } from './quota.ts';

/** One open request, as a row. Times are Unix milliseconds, so that rows of several processes can be compared. */
export interface OpenRow extends Omit<OpenRequestFacts, 'requestedModel' | 'acquiredAt' | 'stalledAt'> {
  /** A name of a model, `not_a_model_name` for any other text. */
  readonly model: string | undefined;
  readonly acquiredAt: number | undefined;
  readonly stalledAt: number | undefined;
}

/** What the open requests of one client are together. */
export interface OpenClient {
  readonly client: string;
  readonly open: number;
  readonly oldestStartedAt: number;
}

/** The connections that one client holds of one upstream. Times are Unix milliseconds. */
export interface PoolHolder {
  readonly upstream: string;
  readonly client: string;
  readonly held: number;
  /** When the request began that has held one for longest. */
  readonly oldestAt: number;
  /** When the last of them was acquired. */
  readonly newestAt: number;
}

/** The open requests of one process that a question selects, and numbers over all of them. */
export interface OpenPart {
  readonly total: number;
  readonly bySide: Readonly<Record<Side, number>>;
  readonly byPhase: Readonly<Record<RequestPhase, number>>;
  readonly clients: readonly OpenClient[];
  readonly holders: readonly PoolHolder[];
  /** Those that wait for a client which has taken nothing for `STALL_SHOWN_MS`, longest first; at most `MAX_STALLED`. */
  readonly stalled: readonly OpenRow[];
  /** How many the filter leaves, before `after` and `limit`. */
  readonly matching: number;
  readonly rows: readonly OpenRow[];
}

/** The connections of one upstream at one moment. */
export interface UpstreamPart {
  readonly name: string;
  readonly side: Side;
  readonly maxConnections: number;
  readonly open: number;
  readonly active: number;
  readonly idle: number;
  readonly connecting: number;
  readonly waiting: number;
  readonly maxWaiting: number;
  readonly longLived: number;
  readonly maxLongLived: number;
  readonly clients: readonly { readonly client: string; readonly held: number; readonly waiting: number }[];
}

/** One kind of failure, with how often it came and when last. Times are Unix milliseconds. */
export interface FailureRow {
  readonly at: number;
  readonly firstAt: number;
  readonly count: number;
  readonly side: Side;
  readonly upstream: string | undefined;
  readonly client: string;
  readonly route: string;
  readonly status: number;
  readonly outcome: Outcome;
  /** The codes of the error, outermost first; absent for an error that the upstream answered. */
  readonly code: string | undefined;
  /** Of the latest. */
  readonly model: string | undefined;
  readonly requestId: string;
  readonly upstreamRequestId: string | undefined;
  /** Of all of them together. */
  readonly costNanoDollars: number;
}

/** What is counted of a client in the last hour. */
export const CLIENT_COUNTS = ['requests', 'failures', 'refusals', 'inputTokens', 'outputTokens', 'costNanoDollars'] as const;

/** One of `CLIENT_COUNTS`. */
export type ClientCount = (typeof CLIENT_COUNTS)[number];

/** The last hour of one client. Cache reads and writes count as input tokens. */
export type ClientHour = Readonly<Record<ClientCount, number>> & { readonly client: string; readonly lastAt: number };

/** What the sparklines show. */
export const ACTIVITY_SERIES = ['requests', 'failures', 'refusals', 'unauthenticated', 'open', 'waiting'] as const;

/** One of `ACTIVITY_SERIES`. */
export type ActivitySeries = (typeof ACTIVITY_SERIES)[number];

/** The last 15 minutes in steps of 10 seconds, oldest first; the last step is the one that runs. */
export interface ActivityPart {
  /** The number of the last step since 1970. */
  readonly lastStep: number;
  readonly series: Readonly<Record<ActivitySeries, readonly number[]>>;
}

/** What one process knows of its requests; plain data that crosses the process channel. */
export interface StatusPart {
  readonly open: OpenPart;
  readonly upstreams: readonly UpstreamPart[];
  /** The same upstreams by what their requests showed. */
  readonly states: readonly UpstreamSnapshot[];
  readonly quotas: readonly Quota[];
  readonly failures: readonly FailureRow[];
  readonly clients: readonly ClientHour[];
  readonly activity: ActivityPart;
}
