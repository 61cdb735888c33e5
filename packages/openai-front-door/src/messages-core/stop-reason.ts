import { isJsonObject, member } from '../json/json-value.ts';

/** `pause_turn` means that the answer goes on in another request, which no OpenAI client can make. */
export function isUnfinished(stopReason: string): boolean {
  return stopReason === 'pause_turn';
}

/** The words of a refusal, where the upstream gives any. */
export function refusalExplanation(stopDetails: unknown): string | undefined {
  const explanation = isJsonObject(stopDetails) ? member(stopDetails, 'explanation') : undefined;
  return typeof explanation === 'string' ? explanation : undefined;
}
