import type { RequestPhase } from '../../request/described-request.ts';
import type { Outcome, Side } from '../../request/request-record.ts';
import type { ActivitySeries } from './status-part.ts';

/** The version of the document's shape. Members may be added under the same number; none is removed or changes its meaning. */
export const STATUS_VERSION = 1;

/** One thing that is wrong, or that all is well. Times are RFC 3339. */
export interface StatusFinding {
  /** One sentence for people. */
  readonly text: string;
  /** A word of a closed set; `all_well` where nothing is wrong. */
  readonly cause: string;
  /** The upstream, client or side that the cause is about, by its configured name. */
  readonly party: string | null;
  readonly since: string | null;
  readonly severity: 'none' | 'info' | 'warning' | 'error';
}

/** An open request. */
export interface StatusRequest {
  readonly id: string;
  readonly side: Side;
  readonly client: string;
  /** Absent for clients, and for peers that are not on this machine. */
  readonly person?: string;
  readonly upstream: string | null;
  readonly method: string;
  readonly route: string | null;
  readonly model: string | null;
  readonly phase: RequestPhase;
  readonly stream: boolean;
  readonly started_at: string;
  readonly age_seconds: number;
  /** For how long it has held a connection of the pool; null while it has none. */
  readonly held_seconds: number | null;
  /** For how long its client has taken nothing although bytes wait for it; null where none wait. */
  readonly stalled_seconds: number | null;
  readonly request_bytes: number;
  readonly response_bytes: number;
}

/** An upstream with its pool. */
export interface StatusUpstream {
  readonly name: string;
  readonly side: Side;
  readonly max_connections: number;
  readonly open: number;
  readonly active: number;
  readonly idle: number;
  readonly connecting: number;
  readonly waiting: number;
  readonly max_waiting: number;
  readonly long_lived: number;
  readonly max_long_lived: number;
  readonly clients: readonly { readonly client: string; readonly held: number; readonly waiting: number }[];
  /** What is wrong with it by its last requests; null where nothing is. */
  readonly trouble: { readonly cause: string; readonly since: string; readonly last_at: string } | null;
  /** How it is as one of several; null for the only one. */
  readonly routing: StatusRouting | null;
}

/** One of several upstreams between which requests are divided. */
export interface StatusRouting {
  readonly health: 'well' | 'cooling' | 'half_open';
  /** What failed last, such as `status_529` or `unreachable`; null where nothing did. */
  readonly reason: string | null;
  /** Until it is asked again by choice; 0 where it is asked now. */
  readonly cools_for_seconds: number;
  /** Since it failed first without a success between; 0 where it is well. */
  readonly ill_for_seconds: number;
  readonly tier: number;
  readonly weight: number;
  /** How many models cool down there, while it serves others. */
  readonly cooling_models: number;
}

/** One quota of the API, as its last response named it. */
export interface StatusQuota {
  readonly upstream: string;
  /** Such as `requests`, `input_tokens`, or a window of a subscription such as `unified_5h`. */
  readonly quota: string;
  readonly limit: number | null;
  readonly remaining: number | null;
  /** The used part, 0 to 1; above 1 where a window is overdrawn. */
  readonly used_ratio: number;
  readonly resets_at: string | null;
}

/** Failures of one kind. */
export interface StatusFailure {
  readonly at: string;
  readonly first_at: string;
  readonly count: number;
  readonly fault: string;
  /** The outcome of the request. */
  readonly outcome: Outcome;
  /** The codes of the error, outermost first; null for an error that the upstream answered. */
  readonly code: string | null;
  readonly status: number;
  readonly side: Side;
  readonly upstream: string | null;
  readonly client: string;
  readonly route: string;
  readonly model: string | null;
  /** Of the latest. */
  readonly id: string;
  readonly upstream_request_id: string | null;
  /** Of all of them together, in US dollars: a stream that broke costs what was delivered. */
  readonly cost_dollars: number;
}

/** The last hour of a client. */
export interface StatusClient {
  readonly client: string;
  readonly open: number;
  readonly requests: number;
  readonly failures: number;
  /** By the client's own limit or by a full pool. */
  readonly refusals: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  /** In US dollars, estimates included. */
  readonly cost_dollars: number;
  readonly last_at: string | null;
}

/** The shutdown that is under way. */
export interface StatusDrain {
  readonly since: string;
  /** When open responses are broken. */
  readonly ends_at: string;
  readonly open: number;
}

/** The state of the configuration. */
export interface StatusConfig {
  readonly loaded_at: string;
  readonly last_reload: { readonly at: string; readonly result: 'success' | 'failure'; readonly applied: readonly string[] } | null;
  /** Keys whose new value waits for a restart. */
  readonly restart_required: readonly string[];
  readonly warnings: readonly string[];
}

/** The document of `GET /status.json`. */
export interface Status {
  readonly version: typeof STATUS_VERSION;
  readonly generated_at: string;
  readonly gateway: { readonly version: string; readonly state: string; readonly started_at: string; readonly workers: number };
  readonly verdict: StatusFinding;
  /** Everything that is wrong, worst first; the verdict is the first of them. */
  readonly findings: readonly StatusFinding[];
  /** The warnings of `/readyz`. */
  readonly warnings: Readonly<Record<string, string>>;
  readonly open: {
    readonly total: number;
    readonly by_side: Readonly<Record<Side, number>>;
    readonly by_phase: Readonly<Record<RequestPhase, number>>;
    /** How many the filter of the question leaves. */
    readonly matching: number;
    readonly requests: readonly StatusRequest[];
    /** The `after` of the next page; null on the last one. */
    readonly next: string | null;
  };
  readonly upstreams: readonly StatusUpstream[];
  readonly quotas: readonly StatusQuota[];
  readonly failures: readonly StatusFailure[];
  readonly clients: readonly StatusClient[];
  readonly activity: { readonly step_seconds: number; readonly ends_at: string } & Readonly<Record<ActivitySeries, readonly number[]>>;
  readonly drain: StatusDrain | null;
  readonly config: StatusConfig;
}
