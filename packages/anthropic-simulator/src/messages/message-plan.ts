import type { JsonObject } from '../json.ts';

/** A content block as the finished message holds it, and how a stream delivers it. */
export interface PlannedBlock {
  /** The block in its final form. */
  readonly block: JsonObject;
  /** Pieces of text, thinking or JSON, for the block types that arrive in deltas; absent means that the block arrives whole. */
  readonly pieces?: readonly string[];
  /** Citations, each a delta of its own before the text. */
  readonly citations?: readonly JsonObject[];
}

/** Everything that a scenario decided about one answer; JSON and stream are two renderings of it. */
export interface MessagePlan {
  readonly blocks: readonly PlannedBlock[];
  readonly stopReason: string;
  readonly stopSequence?: string;
  readonly stopDetails?: JsonObject;
  readonly outputTokens: number;
  readonly thinkingTokens?: number;
  /** Further members of `usage`, `server_tool_use` for example. */
  readonly usage?: JsonObject;
  /** What context management did; present when the request asks for it. */
  readonly contextManagement?: JsonObject;
  /** The container of a code execution. */
  readonly container?: JsonObject;
  /** Events of the stream that stand outside the grammar, by the number of events before them. */
  readonly extraEvents?: ReadonlyMap<number, JsonObject>;
  /** An `error` event ends the stream after this many events. */
  readonly errorAfterEvents?: number;
  /** How fast the answer comes, when the scenario has its own idea of that. */
  readonly pacing?: Partial<Pacing>;
}

/** How fast an answer comes. */
export interface Pacing {
  /** From the request to the first content. */
  readonly firstTokenMs: number;
  readonly tokensPerSecond: number;
  /** Silences longer than this are broken by `ping` events. */
  readonly pingIntervalMs: number;
}

/** Token counts of the input of one request. */
export interface InputUsage {
  readonly inputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWrite5mTokens: number;
  readonly cacheWrite1hTokens: number;
}
