import type { Outcome } from './errors/front-door-error.ts';

/** Tokens by how they are billed; `input` excludes what was read from or written to the cache. */
export interface TokenCounts {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
}

/** The part of an answer's tokens that one model used. */
export interface ModelTokens {
  /** Absent for the model of the answer itself. */
  readonly model?: string;
  readonly tokens: TokenCounts;
}

/** The tokens of one answer. */
export interface AnswerTokens extends TokenCounts {
  /** The same tokens by model, where parts of the answer were another model's. */
  readonly byModel?: readonly ModelTokens[];
  /** The same tokens by the parts that are billed by themselves, where there are several. */
  readonly entries?: readonly ModelTokens[];
  /** Server tool requests by name, such as `web_search_requests`. */
  readonly serverToolRequests?: Readonly<Record<string, number>>;
  /** `usage.service_tier`, `usage.inference_geo` and `usage.speed` of the Anthropic API, which decide what the tokens cost. */
  readonly serviceTier?: string;
  readonly inferenceGeo?: string;
  readonly speed?: string;
}

/** Where token counts came from: the final usage, only the first part of it, or nowhere. */
export type UsageSource = 'final' | 'partial' | 'missing';

/** Everything known of one request when its response body ended. Durations in milliseconds. */
export interface RequestSummary {
  /** A route template such as `/v1/chat/completions`, never a raw path. */
  readonly route: string;
  readonly method: string;
  /** The status the client saw; 499 when it left before one was sent. */
  readonly status: number;
  readonly outcome: Outcome;
  /** The name of the backend that served it; absent when none was chosen. */
  readonly backend?: string;
  /** The model that the request named, cut to 256 characters; absent where no body with one was read. Not bounded in number: no metric label. */
  readonly requestedModel?: string;
  /** The model that the upstream's response named. */
  readonly model?: string;
  /** Whether the client response was an event stream. */
  readonly isEventStream: boolean;
  readonly usage?: AnswerTokens;
  /** Absent for routes that have no usage. */
  readonly usageSource?: UsageSource;
  /** Bytes of what the model wrote, as far as it passed; of an answer that is no stream all its bytes. Absent unless `measuresText`. */
  readonly textBytes?: number;
  /** The status of the upstream's response head; absent when none came. */
  readonly upstreamStatus?: number;
  /** From the arrival of the request until the upstream had all of it; absent when it never had. */
  readonly sentMs?: number;
  /** From the arrival of the request to the upstream's response head; absent when none came. */
  readonly firstByteMs?: number;
  /** The longest time in which the client of a stream got no byte of its body; of a relayed one, between two chunks of the upstream. */
  readonly largestGapMs?: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** From the arrival of the request to the end of the response body. */
  readonly durationMs: number;
  /** Whether an event stream's stop event was seen; absent for other bodies. */
  readonly sawStop?: boolean;
  /** The upstream's own stop reason, unmapped. */
  readonly stopReason?: string;
  /** The backends that a list of models is without, because they did not answer in time or in kind. */
  readonly missingBackends?: readonly string[];
  /** The code of the error that ended the request, where there was one. */
  readonly errorCode?: string;
  /** That error, with what caused it in `cause`. Its message is for the client, and messages of causes may quote a peer: log their codes alone. */
  readonly error?: unknown;
}

/** What was read of an event stream that is still open. */
export type StreamProgress = Pick<RequestSummary, 'model' | 'usage' | 'textBytes'>;
