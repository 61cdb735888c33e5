/** Where a thinking block stood in its answer. */
export interface ThinkingPlace {
  /** Thinking blocks and tool calls in front of it. */
  readonly blocksBefore: number;
  readonly isAfterTool: boolean;
  readonly isAfterText: boolean;
}

/**
 * The index that a thinking block is handed out with: its place in the message that the client will give back, where all texts
 * are one, stand in front of the tool calls, and are nothing when they are blank. The upstream's own index counts otherwise, and
 * would put a block behind a tool call that it came before.
 */
export function thinkingIndex(place: ThinkingPlace, hasText: boolean): number {
  return place.blocksBefore + (hasText && (place.isAfterText || place.isAfterTool) ? 1 : 0);
}
