import { CUT_STOP_REASONS } from '../messages-core/stop-reason.ts';

/** OpenAI's closed set, the legacy `function_call` included. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'function_call';

const FINISH_REASONS: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['tool_use', 'tool_calls'],
  ...[...CUT_STOP_REASONS].map((reason): [string, FinishReason] => [reason, 'length']),
  ['refusal', 'content_filter'],
]);

/** How an answer ended, in OpenAI's words. */
export interface MappedFinish {
  readonly finish_reason: FinishReason;
  /** The upstream's own word where OpenAI has none for it. */
  readonly native_finish_reason?: string;
}

/** Maps a stop reason; an unknown one becomes `stop`, with the upstream's value beside it, as a pause has it beside `length`. */
export function mapFinishReason(stopReason: string, usesLegacyFunctions: boolean): MappedFinish {
  const known = FINISH_REASONS.get(stopReason);
  if (known === undefined) return { finish_reason: 'stop', native_finish_reason: stopReason };
  if (stopReason === 'pause_turn') return { finish_reason: known, native_finish_reason: stopReason };
  return { finish_reason: known === 'tool_calls' && usesLegacyFunctions ? 'function_call' : known };
}
