import { FAST_PPM, type Price, type TokenRates } from './prices.ts';
import type { ModelTokens, TokenCounts } from './usage-result.ts';

/** Tokens with all that decides what they cost; a `MessageUsage` is one. */
export interface PricedUsage extends TokenCounts {
  /** The billed parts of one answer, where it has several (`usage.iterations`); each is priced, and rounded, by itself. */
  readonly entries?: readonly ModelTokens[];
  /** Server tool requests by name; `web_search_requests` cost. */
  readonly serverToolRequests?: Readonly<Record<string, number>>;
  /** `batch` halves the price of tokens; any other tier is at the list price. */
  readonly serviceTier?: string;
  /** `us` costs a tenth more. */
  readonly inferenceGeo?: string;
  /** `fast` costs what the price's `fastPpm` makes of it. */
  readonly speed?: string;
}

/** What one answer cost. */
export interface UsageCost {
  /** Nano-dollars (10⁻⁹ US dollars). */
  readonly nanoDollars: bigint;
  /** The same by model, in the order of `entries`; one for an answer without entries. */
  readonly parts: readonly CostPart[];
}

/** The cost of one entry. */
export interface CostPart {
  /** Absent for the model of the answer itself. */
  readonly model?: string;
  readonly tokens: TokenCounts;
  readonly nanoDollars: bigint;
}

/** Multipliers are parts per million. */
const PPM = 1_000_000;
/** Half of the list price (https://platform.claude.com/docs/en/about-claude/pricing, "Batch processing"). */
const BATCH_PPM = 500_000;
/** 1.1 times for inference in the US alone (the same page, "Data residency pricing"); it is for every kind of token. */
const US_PPM = 1_100_000;
/** Tier and place, speed: the multipliers that tokens have besides the operator's. */
const TOKEN_DIVISOR = 1_000_000n ** 3n;
/** All four, and pico to nano. */
const DIVISOR = TOKEN_DIVISOR * 1_000_000n * 1_000n;

/**
 * Prices the usage of one answer. `priceOf` has the price of a model, `undefined` being the model of the answer itself. `multiplierPpm` is the
 * operator's own (a discount), in parts per million; it is for tokens and searches. Each entry is rounded once, half up, to a nano-dollar;
 * web searches belong to the first one.
 */
export function priceUsage(usage: PricedUsage, priceOf: (model: string | undefined) => Price, multiplierPpm: number = PPM): UsageCost {
  const searches = usage.serverToolRequests?.['web_search_requests'] ?? 0;
  if (usage.entries === undefined) {
    const nanoDollars = priceEntry(usage, usage, priceOf(undefined), { searches, multiplierPpm });
    return { nanoDollars, parts: [{ tokens: usage, nanoDollars }] };
  }
  let total = 0n;
  const parts = usage.entries.map(({ model, tokens }, index): CostPart => {
    const nanoDollars = priceEntry(usage, tokens, priceOf(model), { searches: index === 0 ? searches : 0, multiplierPpm });
    total += nanoDollars;
    return model === undefined ? { tokens, nanoDollars } : { model, tokens, nanoDollars };
  });
  return { nanoDollars: total, parts };
}

function priceEntry({ serviceTier, inferenceGeo, speed }: PricedUsage, tokens: TokenCounts, price: Price, { searches, multiplierPpm }: { readonly searches: number; readonly multiplierPpm: number }): bigint {
  const tokenPpm = (serviceTier === 'batch' ? BATCH_PPM : PPM) * (inferenceGeo === 'us' ? US_PPM : PPM);
  const fastPpm = speed === 'fast' ? price.fastPpm ?? FAST_PPM : PPM;
  const rates = ratesFor(tokens, price);
  if (tokenPpm === PPM * PPM && fastPpm === PPM && multiplierPpm === PPM) {
    const atListPrice = roundSmall(tokens, rates, searches * price.webSearch);
    if (atListPrice !== undefined) return atListPrice;
  }
  // Tokens have three multipliers, searches the operator's alone: both are brought to the same divisor.
  const exact = (addRates(tokens, rates) * BigInt(tokenPpm) * BigInt(fastPpm) + BigInt(searches) * BigInt(price.webSearch) * TOKEN_DIVISOR) * BigInt(multiplierPpm);
  return divideHalfUp(exact, DIVISOR);
}

/** The same at the list price, as most answers are, in numbers: a fifth of the time. `undefined` where a sum could pass 2^53 (some $9,000). */
function roundSmall(tokens: TokenCounts, rates: TokenRates, more: number): bigint | undefined {
  // Each kind by its name: an index that changes is looked up in a table of the engine, ten times for each answer.
  const pico = more + 500 + tokens.input * rates.input + tokens.output * rates.output + tokens.cacheRead * rates.cacheRead
    + tokens.cacheWrite5m * rates.cacheWrite5m + tokens.cacheWrite1h * rates.cacheWrite1h;
  return pico <= Number.MAX_SAFE_INTEGER ? BigInt(Math.floor(pico / 1_000)) : undefined;
}

/** Long-context rates are for all tokens of an answer whose input is long; what is read from and written to the cache is input. */
function ratesFor({ input, cacheRead, cacheWrite5m, cacheWrite1h }: TokenCounts, price: Price): TokenRates {
  const { longContext } = price;
  return longContext !== undefined && input + cacheRead + cacheWrite5m + cacheWrite1h > longContext.above ? longContext : price;
}

function addRates(tokens: TokenCounts, rates: TokenRates): bigint {
  return KINDS.reduce((sum, kind) => sum + BigInt(tokens[kind]) * BigInt(rates[kind]), 0n);
}

const KINDS: readonly (keyof TokenCounts)[] = ['input', 'output', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h'];

function divideHalfUp(dividend: bigint, divisor: bigint): bigint {
  return (2n * dividend + divisor) / (2n * divisor);
}
