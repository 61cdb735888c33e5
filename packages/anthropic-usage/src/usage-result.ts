/** Tokens by how they are billed. `input` is the uncached part; true input = input + cacheRead + cacheWrite5m + cacheWrite1h. */
export interface TokenCounts {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
}

/** The part of a message's tokens that one model used. */
export interface ModelTokens {
  /** Absent for the model of the message itself. */
  readonly model?: string;
  readonly tokens: TokenCounts;
}

/** The billed tokens of one message. */
export interface MessageTokens extends TokenCounts {
  /** The same tokens by model, where an entry of `usage.iterations` names one (an advisor, a fallback). */
  readonly byModel?: readonly ModelTokens[];
  /** The same tokens by entry of `usage.iterations`, where there are several or one names a model; 64 at most, the rest being added to the last. */
  readonly entries?: readonly ModelTokens[];
}

/** Where the counts came from: the final usage, only the first part of it, or nowhere. */
export type UsageSource = 'final' | 'partial' | 'missing';

/** The usage of one message beyond its billed tokens. */
export interface MessageUsage extends MessageTokens {
  /** Output tokens that were thinking, where the API says; a part of `output`. */
  readonly thinking?: number;
  /** Server tool requests by name, such as `web_search_requests`. */
  readonly serverToolRequests: Readonly<Record<string, number>>;
  /** The tier that served it: `standard`, `priority` or `batch`. */
  readonly serviceTier?: string;
  /** Where inference ran, such as `us` or `global`. */
  readonly inferenceGeo?: string;
  /** `fast` where fast mode served it. */
  readonly speed?: string;
}

/** What a response body of the Messages API said of itself. */
export interface UsageResult {
  readonly usage: MessageUsage;
  readonly source: UsageSource;
  /** The model the response named. */
  readonly model?: string;
  readonly stopReason?: string;
  /**
   * Bytes of what the model wrote, as far as it passed: text, tool input and thinking of a stream, all decoded bytes of JSON. Of a body that
   * could not be read all its bytes, times 4 where they are compressed. Absent unless `measuresText`.
   */
  readonly textBytes?: number;
  /** Whether `message_stop` came; for a JSON body, whether the body was whole. */
  readonly sawStop: boolean;
  /** Whether an `error` event, or the frame of an exception, came inside the stream. */
  readonly sawErrorEvent: boolean;
  /** The `error.type` of that event or of a JSON error body, or the `:exception-type` of that frame. */
  readonly errorType?: string;
}

/** The usage of a response that said nothing. */
export const NO_USAGE: MessageUsage = Object.freeze({
  input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, serverToolRequests: Object.freeze({}),
});
