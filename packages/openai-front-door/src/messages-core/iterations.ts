import { isJsonObject, member, type JsonObject } from '../json/json-value.ts';
import type { AnswerTokens, TokenCounts } from '../request-summary.ts';

/** Models that one answer reports apart. */
const MAX_MODELS = 16;
const LONGEST_MODEL_CHARS = 256;

type Counts = { -readonly [Name in keyof TokenCounts]: number };

function countOf(object: JsonObject, name: string): number {
  const value = member(object, name);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function readCounts(entry: JsonObject): TokenCounts {
  const split = member(entry, 'cache_creation');
  const writes = countOf(entry, 'cache_creation_input_tokens');
  const cacheWrite1h = Math.min(writes, isJsonObject(split) ? countOf(split, 'ephemeral_1h_input_tokens') : 0);
  return {
    input: countOf(entry, 'input_tokens'), output: countOf(entry, 'output_tokens'), cacheRead: countOf(entry, 'cache_read_input_tokens'),
    cacheWrite5m: writes - cacheWrite1h, cacheWrite1h,
  };
}

function noCounts(): Counts {
  return { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
}

function addTo(sum: Counts, counts: TokenCounts): void {
  sum.input += counts.input;
  sum.output += counts.output;
  sum.cacheRead += counts.cacheRead;
  sum.cacheWrite5m += counts.cacheWrite5m;
  sum.cacheWrite1h += counts.cacheWrite1h;
}

function modelOf(entry: JsonObject): string | undefined {
  const model = member(entry, 'model');
  return typeof model === 'string' && model !== '' && model.length <= LONGEST_MODEL_CHARS ? model : undefined;
}

/**
 * Adds up `usage.iterations`: the top level of `usage` leaves out the summary of a compaction and the advisor's part, which are billed
 * (https://docs.anthropic.com/en/docs/build-with-claude/compaction). A fallback that was declined leaves a `message` entry without output,
 * which is not billed. `undefined` when there is no entry to add.
 */
export function sumIterations(iterations: unknown): AnswerTokens | undefined {
  if (!Array.isArray(iterations)) return undefined;
  const entries = iterations.filter(isJsonObject);
  const hasFallback = entries.some((entry) => entry['type'] === 'fallback_message');
  const billed = entries.filter((entry) => !(hasFallback && entry['type'] === 'message' && countOf(entry, 'output_tokens') === 0));
  if (billed.length === 0) return undefined;
  const total = noCounts();
  const byModel = new Map<string | undefined, Counts>();
  for (const entry of billed) {
    const named = modelOf(entry);
    const model = named !== undefined && (byModel.has(named) || byModel.size < MAX_MODELS) ? named : undefined;
    const counts = byModel.get(model) ?? noCounts();
    byModel.set(model, counts);
    const read = readCounts(entry);
    addTo(total, read);
    addTo(counts, read);
  }
  if (byModel.size === 1 && byModel.has(undefined)) return total;
  return { ...total, byModel: [...byModel].map(([model, tokens]) => (model === undefined ? { tokens } : { model, tokens })) };
}
