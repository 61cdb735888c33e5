import type { Person } from '../access/identity/principal.ts';

/** How a request ended: one closed set, a metric label and a log field. */
export const OUTCOMES = [
  'ok', 'client_error', 'upstream_error', 'stream_error_event', 'upstream_credential_refused', 'upstream_unreachable', 'upstream_reset',
  'upstream_truncated', 'upstream_timeout', 'overloaded', 'client_gone', 'client_stalled', 'draining', 'internal',
] as const;

/** One of `OUTCOMES`. */
export type Outcome = (typeof OUTCOMES)[number];

/** What one outcome means to health, traces and limits. */
export interface OutcomeTraits {
  /** Whether the upstream is well by this outcome: it answered (an error is an answer), it failed, or the request does not show it. */
  readonly upstream: 'answered' | 'failed' | 'unknown';
  /** Whether the gateway or the upstream failed, so that the server span of a trace is an error. */
  readonly isServerError: boolean;
  /** Whether the upstream may have worked, and billed, for a request that ended so before its head arrived. */
  readonly mayHaveWorked: boolean;
}

/** The meaning of every outcome. */
export const OUTCOME_TRAITS: Readonly<Record<Outcome, OutcomeTraits>> = {
  ok: { upstream: 'answered', isServerError: false, mayHaveWorked: false },
  client_error: { upstream: 'unknown', isServerError: false, mayHaveWorked: false },
  upstream_error: { upstream: 'answered', isServerError: false, mayHaveWorked: false },
  stream_error_event: { upstream: 'answered', isServerError: true, mayHaveWorked: false },
  upstream_credential_refused: { upstream: 'failed', isServerError: true, mayHaveWorked: false },
  upstream_unreachable: { upstream: 'failed', isServerError: true, mayHaveWorked: false },
  upstream_reset: { upstream: 'failed', isServerError: true, mayHaveWorked: false },
  upstream_truncated: { upstream: 'failed', isServerError: true, mayHaveWorked: false },
  upstream_timeout: { upstream: 'failed', isServerError: true, mayHaveWorked: true },
  overloaded: { upstream: 'unknown', isServerError: true, mayHaveWorked: false },
  client_gone: { upstream: 'unknown', isServerError: false, mayHaveWorked: true },
  client_stalled: { upstream: 'unknown', isServerError: true, mayHaveWorked: true },
  draining: { upstream: 'unknown', isServerError: true, mayHaveWorked: true },
  internal: { upstream: 'unknown', isServerError: true, mayHaveWorked: true },
};

/** Whose fault the end of a request is. `gateway` is the operator: its capacity, its key, its defects. `network` is the way to the upstream. */
export const FAULTS = ['none', 'client', 'gateway', 'upstream', 'network'] as const;

/** One of `FAULTS`. */
export type Fault = (typeof FAULTS)[number];

/** Whose fault every outcome is. A relayed error is the one outcome that its status decides further: see `faultOf`. */
export const OUTCOME_FAULTS: Readonly<Record<Outcome, Fault>> = {
  ok: 'none',
  client_error: 'client',
  upstream_error: 'upstream',
  stream_error_event: 'upstream',
  upstream_credential_refused: 'gateway',
  upstream_unreachable: 'network',
  upstream_reset: 'network',
  upstream_truncated: 'network',
  upstream_timeout: 'upstream',
  overloaded: 'gateway',
  client_gone: 'client',
  client_stalled: 'client',
  draining: 'gateway',
  internal: 'gateway',
};

/** Whose fault a request's end is: a relayed 429 or 5xx is the upstream's, any other relayed 4xx is its answer to what the client asked for. */
export function faultOf(outcome: Outcome, status: number): Fault {
  return outcome === 'upstream_error' && status >= 400 && status < 500 && status !== 429 ? 'client' : OUTCOME_FAULTS[outcome];
}

/** How loud the line of a finished request is, by outcome: what the operator has to mend is an `error`, what fails for another reason a `warn`. */
const OUTCOME_LEVELS: Readonly<Record<Outcome, RequestLevel>> = {
  ok: 'info',
  client_error: 'info',
  upstream_error: 'warn',
  stream_error_event: 'warn',
  upstream_credential_refused: 'error',
  upstream_unreachable: 'warn',
  upstream_reset: 'warn',
  upstream_truncated: 'warn',
  upstream_timeout: 'warn',
  overloaded: 'warn',
  client_gone: 'info',
  client_stalled: 'info',
  draining: 'info',
  internal: 'error',
};

/** The levels of lines of requests. */
export type RequestLevel = 'info' | 'warn' | 'error';

/** The level of a request's line: a failure of the gateway, the network or the upstream is louder than one of a client. */
export function levelOf(outcome: Outcome, fault: Fault): RequestLevel {
  return fault === 'client' ? 'info' : OUTCOME_LEVELS[outcome];
}

/** The isolated parts of the gateway, by the API that their clients speak. Those of clouds exist only where they are configured. */
export const SIDES = ['native', 'front_door', 'bedrock', 'vertex'] as const;

/** One of `SIDES`. */
export type Side = (typeof SIDES)[number];

/** A value for each side. */
export function bySide<Value>(make: (side: Side) => Value): Record<Side, Value> {
  return { native: make('native'), front_door: make('front_door'), bedrock: make('bedrock'), vertex: make('vertex') };
}

/** The route label of a request that matched no route of its side. */
export const UNMATCHED_ROUTES: Readonly<Record<Side, string>> = { native: '/anthropic/*', front_door: '/v1/*', bedrock: '/bedrock/*', vertex: '/vertex/*' };

/** Tokens by how they are billed; the fields of the Anthropic `usage` object, summed over nothing. */
export interface TokenCounts {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
}

/** The part of a response's tokens that one model used. */
export interface ModelTokens {
  /** Absent for the model of the response itself. */
  readonly model?: string;
  readonly tokens: TokenCounts;
}

/** The tokens of one response. */
export interface ResponseTokens extends TokenCounts {
  /** The same tokens by model, where parts of the response were another model's. */
  readonly byModel?: readonly ModelTokens[];
  /** The same tokens by the parts that are billed by themselves, where there are several. */
  readonly entries?: readonly ModelTokens[];
  /** Server tool requests by name, such as `web_search_requests`. */
  readonly serverToolRequests?: Readonly<Record<string, number>>;
  /** Tier, place and speed, which decide what the tokens cost; as the API names them. */
  readonly serviceTier?: string;
  readonly inferenceGeo?: string;
  readonly speed?: string;
}

/** What one request cost. */
export interface RequestCost {
  /** Nano-dollars (10⁻⁹ US dollars). */
  readonly nanoDollars: bigint;
  /** Whether tokens were estimated, because the response did not report them all. */
  readonly isEstimated: boolean;
  /** Whether a price is known for every model in it; an unknown one is charged $5 and $25 per million tokens. */
  readonly isPriceKnown: boolean;
  /** The models without a price, each once and `MOST_UNPRICED` at most; `undefined` stands for `model`. Absent where all prices are known. */
  readonly unpricedModels?: readonly (string | undefined)[] | undefined;
  /** The model that the response named, else the one that was asked for; empty where neither is known. */
  readonly model: string;
  readonly tokens: TokenCounts;
  readonly webSearches: number;
  /** The same by model, where parts of the response were another model's; an entry without a model is of `model`. */
  readonly parts?: readonly RequestCostPart[] | undefined;
  /** Of a message batch, whose requests are charged alike when it is made. */
  readonly batch?: BatchCost | undefined;
}

/** What the requests of a message batch were charged when it was made. */
export interface BatchCost {
  readonly requests: number;
  readonly each: { readonly nanoDollars: bigint; readonly input: number; readonly output: number };
}

/** What a part of a request cost. */
export interface RequestCostPart {
  readonly model?: string;
  readonly tokens: TokenCounts;
  readonly nanoDollars: bigint;
}

/** Where the token counts came from: the final usage, only the first part of it, or nowhere. */
export type UsageSource = 'final' | 'partial' | 'missing';

/** Everything that is known of one request when its response body ended; built once (observe/request-observer.ts), recorded once. Durations in milliseconds. */
export interface RequestRecord {
  readonly side: Side;
  readonly requestId: string;
  /** The name of the upstream in metrics; absent where none was asked. */
  readonly upstream?: string | undefined;
  /** A route template such as `/anthropic/v1/messages`, never a raw path. */
  readonly route: string;
  readonly method: string;
  /** The status the client saw; 499 when it left before one was sent. */
  readonly status: number;
  readonly outcome: Outcome;
  /** The configured name of the client, `anonymous`, or `unauthenticated`. */
  readonly client: string;
  /** From the parsed request head to the end of the response body. */
  readonly durationMs: number;
  /** From the parsed request head to the first byte of the upstream's head; absent when none came. */
  readonly timeToFirstByteMs?: number | undefined;
  /** The part of the time to first byte that was ours: neither receiving the body nor waiting for a slot, a connection or the upstream. */
  readonly overheadMs?: number | undefined;
  /** The largest silence between two chunks of a streamed body. */
  readonly largestGapMs?: number | undefined;
  /** Whether the client response was an event stream. */
  readonly isEventStream: boolean;
  /** Whether an event stream's stop event was seen; absent for other bodies. */
  readonly sawStop?: boolean | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** The model that the request named, of any length and content; absent where no body with one was read. Never a metric's label. */
  readonly requestedModel?: string | undefined;
  /** The model that the upstream's response named. */
  readonly model?: string | undefined;
  /** What metrics count the request for in place of `model`: the client's name of a model that the configuration maps to the upstream's. */
  readonly mappedModel?: string | undefined;
  readonly usage?: ResponseTokens | undefined;
  /** Absent for routes that have no usage. */
  readonly usageSource?: UsageSource | undefined;
  /** Absent where nothing was spent. */
  readonly cost?: RequestCost | undefined;
}

/** The message batch of a request: the one that it made, or whose results were read. */
export interface LoggedBatch {
  /** As the API named it. */
  readonly id: string;
  /** Results that were read and have a cost, or are not billed. Absent for a batch that was made. */
  readonly results?: number;
  /** What they cost, in US dollars. */
  readonly results_dollars?: number;
}

/** What the access log and the trace show of one request beside its record. Durations in milliseconds. */
export interface RequestDetails {
  /** Who called, where a token proved it; for the log alone, never a metric's label. */
  readonly person?: Person | undefined;
  /** The `request-id` that the upstream chose. */
  readonly upstreamRequestId?: string | undefined;
  readonly slotWaitMs?: number | undefined;
  readonly connectMs?: number | undefined;
  /** From the last byte sent to the upstream's head. */
  readonly upstreamHeadMs?: number | undefined;
  /** The error underneath, whose codes are shown and whose message is not. */
  readonly failure?: unknown;
  /** The code of the gateway's own error that was answered. */
  readonly cause?: string | undefined;
  /** The code of the error that was answered, where there is no error underneath. */
  readonly errorCode?: string | undefined;
  readonly usage?: { readonly stopReason?: string | undefined } | undefined;
  /** Whether the line is one that clients cause without being asked to, for the level `debug`. @defaultValue false */
  readonly isRoutine?: boolean;
  /** Backends that a list of models is without. */
  readonly missingBackends?: readonly string[] | undefined;
  /** The name of the upstream that was asked last; absent where none was. */
  readonly upstream?: string | undefined;
  /** The upstreams that did not take the request, each with the reason; absent where the first one took it. */
  readonly failovers?: readonly string[] | undefined;
  readonly loggedBatch?: LoggedBatch | undefined;
}
