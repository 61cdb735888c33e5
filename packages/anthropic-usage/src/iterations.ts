import { asCount, asObject, asText, type JsonObject } from './json-values.ts';
import type { MessageTokens, TokenCounts } from './usage-result.ts';

/** Models that one message reports apart; the API has two, its own and the advisor's, and those of fallbacks. */
const MAX_MODELS = 16;

type Counts = { -readonly [Name in keyof TokenCounts]: number };

/**
 * Adds up `usage.iterations`. The top level of `usage` leaves out the summary of a compaction and the advisor's part, which are billed; the
 * sum over the entries is the total (https://docs.anthropic.com/en/docs/build-with-claude/compaction). A fallback that was declined leaves
 * a `message` entry without output, which is not billed. `undefined` when there is no entry to add.
 */
export function sumIterations(iterations: unknown): MessageTokens | undefined {
  if (!Array.isArray(iterations)) return undefined;
  const entries = iterations.map(asObject).filter((entry) => entry !== undefined);
  const hasFallback = entries.some((entry) => entry['type'] === 'fallback_message');
  const billed = entries.filter((entry) => !(hasFallback && isDeclined(entry)));
  if (billed.length === 0) return undefined;
  const total = noCounts();
  const byModel = new Map<string | undefined, Counts>();
  for (const entry of billed) {
    const named = asText(entry['model']);
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

/** Reads the counts of one entry; cache writes without a split are 5-minute ones, the API's default. */
function readCounts(usage: JsonObject): TokenCounts {
  const split = asObject(usage['cache_creation']);
  const oneHour = asCount(split?.['ephemeral_1h_input_tokens']) ?? 0;
  const writes = asCount(usage['cache_creation_input_tokens']) ?? (asCount(split?.['ephemeral_5m_input_tokens']) ?? 0) + oneHour;
  const cacheWrite1h = Math.min(oneHour, writes);
  return {
    input: asCount(usage['input_tokens']) ?? 0,
    output: asCount(usage['output_tokens']) ?? 0,
    cacheRead: asCount(usage['cache_read_input_tokens']) ?? 0,
    cacheWrite5m: writes - cacheWrite1h,
    cacheWrite1h,
  };
}

function isDeclined(entry: JsonObject): boolean {
  return entry['type'] === 'message' && (asCount(entry['output_tokens']) ?? 0) === 0;
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
