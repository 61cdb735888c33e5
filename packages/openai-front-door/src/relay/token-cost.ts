import { lenientPath } from './relay-routes.ts';
import { member, type JsonObject } from '../json/json-value.ts';
import { asNumber } from '../json/parse-json.ts';

/** What a request may cost in tokens; a part of `RequestRead`. */
export interface TokenCost {
  readonly maxTokens: number | undefined;
  readonly choices: number;
  readonly isSpentLater: boolean;
  /** Absent where it may cost something. */
  readonly isFree?: boolean;
}

/** Bounds of an answer by the names that the routes have for it; an origin may read any of them, so the largest counts. */
const BOUNDS = ['max_completion_tokens', 'max_tokens', 'max_output_tokens'] as const;

/** How many answers are made of one prompt. */
const CHOICES = ['n', 'best_of'] as const;

/** Routes whose answers hold no text that a model wrote. */
const WRITES_NOTHING = /\/(?:embeddings|audio\/speech)$/;

/** Routes that are not billed by tokens: counting them, and judging a text. */
const COSTS_NOTHING = /\/(?:responses\/input_tokens|moderations)$/;

/** Areas whose requests are worked on after they were answered; the usage is in other answers, or nowhere. */
const SPENDS_LATER = /^\/v1\/(?:batches|fine_tuning|fine-tunes|evals|videos|threads|realtime|chatkit)(?:\/|$)/;
const CANCELS = /\/cancel$/;

/** The largest of some members; infinite where one is no count, which an origin may read leniently. */
function largest(request: JsonObject, names: readonly string[]): number | undefined {
  let found: number | undefined;
  for (const name of names) {
    const value = asNumber(member(request, name));
    if (value === undefined) continue;
    const count = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : Number.POSITIVE_INFINITY;
    found = Math.max(found ?? 0, count);
  }
  return found;
}

/** A list of prompts is answered prompt by prompt; a list of numbers is one prompt. */
function countPrompts(request: JsonObject): number {
  const prompt = member(request, 'prompt');
  return Array.isArray(prompt) && typeof asNumber(prompt[0]) !== 'number' ? Math.max(1, prompt.length) : 1;
}

/** The largest bound that a request gives one answer; absent where it gives none, infinite where one cannot be read. */
export function largestBound(request: JsonObject): number | undefined {
  return largest(request, BOUNDS);
}

/** How many answers a request asks for. */
export function countAnswers(request: JsonObject): number {
  return Math.max(1, largest(request, CHOICES) ?? 1) * countPrompts(request);
}

/** What was read of the request itself. */
interface Facts {
  readonly maxTokens: number | undefined;
  readonly choices: number;
  readonly isBackground: boolean;
}

/** What a JSON request that is relayed to `path` may cost; nothing is known of one that no model answers. */
export function costAt(path: string, { maxTokens, choices, isBackground }: Facts): Partial<TokenCost> {
  const read = lenient(path);
  const isSpentLater = isBackground || spendsLater(path);
  if (COSTS_NOTHING.test(read)) return { isSpentLater, isFree: true };
  // Nothing, however often: an endless number of answers times no token is not a number.
  return WRITES_NOTHING.test(read) ? { maxTokens: 0, choices: 1, isSpentLater } : { maxTokens, choices, isSpentLater };
}

/** Whether a POST to `path` makes work whose tokens its answer does not report. */
export function spendsLater(path: string): boolean {
  const read = lenient(path);
  return SPENDS_LATER.test(read) && !CANCELS.test(read);
}

/** A path as a lenient origin reads it. */
function lenient(path: string): string {
  return lenientPath(path) ?? path.toLowerCase();
}
