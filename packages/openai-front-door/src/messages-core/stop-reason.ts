import { isJsonObject, member } from '../json/json-value.ts';

/**
 * Stop reasons that mean that a bound cut the answer. `pause_turn` is the bound of the upstream's own steps, such as searches: going on would need another request of the
 * upstream, with all of the first one and of the answer (https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons). What is there is handed over, and a client goes on by asking.
 */
export const CUT_STOP_REASONS: ReadonlySet<string> = new Set(['max_tokens', 'model_context_window_exceeded', 'pause_turn']);

/** The words of a refusal, where the upstream gives any. */
export function refusalExplanation(stopDetails: unknown): string | undefined {
  const explanation = isJsonObject(stopDetails) ? member(stopDetails, 'explanation') : undefined;
  return typeof explanation === 'string' ? explanation : undefined;
}
