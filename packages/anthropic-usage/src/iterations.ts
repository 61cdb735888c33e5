/** Tokens by how they are billed. */
interface Counts {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
}

/** Tokens of one model; of the answer's own where none is named. */
interface Part { readonly model?: string; readonly tokens: Readonly<Counts> }

/** The billed tokens of one answer; by model where an entry names one (an advisor, a fallback), and entry by entry where there are several. */
type Total = Readonly<Counts> & { readonly byModel?: readonly Part[]; readonly entries?: readonly Part[] };

type JsonObject = Readonly<Record<string, unknown>>;

/** Models that one answer reports apart; the API has two, its own and the advisor's, and those of fallbacks. */
const MAX_MODELS = 16;
const LONGEST_MODEL_CHARS = 256;
/** The largest count that is taken for one. */
const MAX_COUNT = 1_000_000_000;
/** Entries that are kept apart; what follows is added to the last one of them. */
const MAX_ENTRIES = 64;

/**
 * Adds up `usage.iterations`. The top level of `usage` leaves out the summary of a compaction and the advisor's part, which are billed; the
 * sum over the entries is the total (https://docs.anthropic.com/en/docs/build-with-claude/compaction). A fallback that was declined leaves
 * a `message` entry without output, which is not billed. `undefined` when there is no entry to add.
 *
 * Packages that import no other package have a copy of this file each; a test compares them.
 */
export function sumIterations(iterations: unknown): Total | undefined {
  if (!Array.isArray(iterations)) return undefined;
  const entries = iterations.filter(isJsonObject);
  const hasFallback = entries.some((entry) => entry['type'] === 'fallback_message');
  const billed = entries.filter((entry) => !(hasFallback && isDeclined(entry)));
  if (billed.length === 0) return undefined;
  const total = noCounts();
  const byModel = new Map<string | undefined, Counts>();
  const apart: { model?: string; tokens: Counts }[] = [];
  for (const entry of billed) {
    const named = modelOf(entry);
    const model = named !== undefined && (byModel.has(named) || byModel.size < MAX_MODELS) ? named : undefined;
    const counts = byModel.get(model) ?? noCounts();
    byModel.set(model, counts);
    const read = readCounts(entry);
    addTo(total, read);
    addTo(counts, read);
    const last = apart.at(-1);
    if (last !== undefined && apart.length === MAX_ENTRIES) addTo(last.tokens, read);
    else apart.push(model === undefined ? { tokens: read } : { model, tokens: read });
  }
  const parts = apart.length > 1 || apart[0]?.model !== undefined ? { entries: apart } : {};
  if (byModel.size === 1 && byModel.has(undefined)) return { ...total, ...parts };
  return { ...total, byModel: [...byModel].map(([model, tokens]) => (model === undefined ? { tokens } : { model, tokens })), ...parts };
}

/** Reads the counts of one entry; cache writes without a split are 5-minute ones, the API's default. */
function readCounts(usage: JsonObject): Counts {
  const split = isJsonObject(usage['cache_creation']) ? usage['cache_creation'] : {};
  const oneHour = countOf(split, 'ephemeral_1h_input_tokens') ?? 0;
  const writes = countOf(usage, 'cache_creation_input_tokens') ?? (countOf(split, 'ephemeral_5m_input_tokens') ?? 0) + oneHour;
  const cacheWrite1h = Math.min(oneHour, writes);
  return {
    input: countOf(usage, 'input_tokens') ?? 0, output: countOf(usage, 'output_tokens') ?? 0, cacheRead: countOf(usage, 'cache_read_input_tokens') ?? 0,
    cacheWrite5m: writes - cacheWrite1h, cacheWrite1h,
  };
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function countOf(object: JsonObject, name: string): number | undefined {
  const value = object[name];
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT ? value : undefined;
}

function isDeclined(entry: JsonObject): boolean {
  return entry['type'] === 'message' && (countOf(entry, 'output_tokens') ?? 0) === 0;
}

function modelOf({ model }: JsonObject): string | undefined {
  return typeof model === 'string' && model !== '' && model.length <= LONGEST_MODEL_CHARS ? model : undefined;
}

function noCounts(): Counts {
  return { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
}

function addTo(sum: Counts, counts: Readonly<Counts>): void {
  sum.input += counts.input;
  sum.output += counts.output;
  sum.cacheRead += counts.cacheRead;
  sum.cacheWrite5m += counts.cacheWrite5m;
  sum.cacheWrite1h += counts.cacheWrite1h;
}
