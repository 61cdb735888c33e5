import type { TokenCounts } from './usage-result.ts';

/** Rates of one model by kind of token, in integer pico-dollars (10⁻¹² US dollars) a token: "$3 per million tokens" is 3,000,000. */
export type TokenRates = { readonly [Kind in keyof TokenCounts]: number };

/** What a model's tokens cost. */
export interface Price extends TokenRates {
  /** Model ids that it is for; `*` stands for any characters. */
  readonly model: string;
  /** Pico-dollars of one web search. */
  readonly webSearch: number;
  /** The rates of an answer whose whole input (uncached, read and written) is over `above` tokens; they are for all of its tokens. */
  readonly longContext?: TokenRates & { readonly above: number };
  /** What `usage.speed: "fast"` multiplies all token rates by, in parts per million. @defaultValue 2000000 */
  readonly fastPpm?: number;
}

/** A price with its origin. */
export interface DatedPrice extends Price {
  /** The page that publishes it. */
  readonly source: string;
  /** When that was last compared, as `YYYY-MM-DD`. */
  readonly asOf: string;
}

/** Pico-dollars of one web search: $10 per 1,000 (https://platform.claude.com/docs/en/about-claude/pricing). */
export const WEB_SEARCH_PICO_DOLLARS = 10_000_000_000;

/** What fast mode multiplies by where a price does not name it: 2, as for every model that has it today. */
export const FAST_PPM = 2_000_000;

const PRICING_PAGE = 'https://platform.claude.com/docs/en/about-claude/pricing';
const CLAUDE_3_PAGE = 'https://docs.anthropic.com/en/docs/about-claude/pricing';
const LEGACY_PAGE = 'https://www.anthropic.com/pricing';

/** US dollars per million tokens. */
interface PublishedRates {
  readonly input: number;
  readonly output: number;
  /** Absent: a tenth of `input`. */
  readonly cacheRead?: number;
  /** Absent: 1.25 times `input`. */
  readonly cacheWrite5m?: number;
  /** Absent: twice `input`. */
  readonly cacheWrite1h?: number;
}

interface PublishedPrice extends PublishedRates {
  readonly models: readonly string[];
  readonly source?: string;
  readonly asOf?: string;
  readonly longContext?: PublishedRates & { readonly above: number };
  readonly fastPpm?: number;
}

/** Rates from US dollars per million tokens, each rounded to a pico-dollar. */
function readRates({ input, output, cacheRead, cacheWrite5m, cacheWrite1h }: PublishedRates): TokenRates {
  const pico = (dollars: number): number => Math.round(dollars * 1_000_000);
  return {
    input: pico(input), output: pico(output), cacheRead: pico(cacheRead ?? input * 0.1),
    cacheWrite5m: pico(cacheWrite5m ?? input * 1.25), cacheWrite1h: pico(cacheWrite1h ?? input * 2),
  };
}

/**
 * The ids of a model: alone; behind a region or an ARN as Amazon Bedrock writes it (`us.anthropic.claude-…`); or behind a path, as resource names of Google Cloud
 * (`publishers/anthropic/models/claude-…`) and ids of other gateways are. `claude-opus-5*` would take Opus 5.5: a name is followed by nothing, by a date
 * (`-20…`, `@20…`) or by a version (`-v1:0`, `-v2@20…`).
 */
function idsOf(name: string): readonly string[] {
  return ['', '*anthropic.', '*/'].flatMap((prefix) => ['', '-20*', '-latest', '@*', '-v*'].map((suffix) => `${prefix}${name}${suffix}`));
}

const OLD_SONNET = { input: 3, output: 15 } as const;
const NEVER_CACHED = { cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 } as const;

/** Anthropic's list prices. A price that changed keeps its newest value alone: what was spent before was charged then. */
const PUBLISHED: readonly PublishedPrice[] = [
  // Fable 5.2 and Mythos 5.2 are quoted from the pricing page by readers of it; the page itself was not at hand in that version. The rows below were compared with it, and those of
  // Opus 5.5, Sonnet 5.5 and Haiku 5.5 with the page of each model (https://platform.claude.com/docs/en/models/opus-5-5/overview and its neighbours).
  { models: ['claude-fable-5-2', 'claude-mythos-5-2'], input: 8, output: 40, cacheRead: 0.2, asOf: '2026-11-29' },
  { models: ['claude-fable-5-1', 'claude-mythos-5-1'], input: 10, output: 50, cacheRead: 0.25 },
  { models: ['claude-fable-5', 'claude-mythos-5'], input: 10, output: 50 },
  { models: ['claude-opus-5-5'], input: 4, output: 20, cacheRead: 0.2 },
  { models: ['claude-opus-5', 'claude-opus-4-8'], input: 5, output: 25 },
  { models: ['claude-opus-4-7', 'claude-opus-4-6'], input: 5, output: 25, fastPpm: 6_000_000 },
  { models: ['claude-opus-4-5'], input: 5, output: 25 },
  { models: ['claude-opus-4-1', 'claude-opus-4', 'claude-opus-4-0'], input: 15, output: 75 },
  // Cache hits of Sonnet 5.5 fell from $0.20 on 2026-10-07.
  { models: ['claude-sonnet-5-5'], input: 2, output: 10, cacheRead: 0.1 },
  { models: ['claude-sonnet-5'], input: 2, output: 10 },
  // The surcharge of Sonnet 4 and 4.5 over 200,000 tokens left with their 1M-token beta: what they report above it is a sum over server tool turns.
  { models: ['claude-sonnet-4-6', 'claude-sonnet-4-5', 'claude-sonnet-4', 'claude-sonnet-4-0'], ...OLD_SONNET },
  { models: ['claude-haiku-5-5'], input: 0.1, output: 0.5, longContext: { above: 100_000, input: 0.5, output: 2.5 } },
  { models: ['claude-haiku-4-5'], input: 1, output: 5 },
  { models: ['claude-3-7-sonnet', 'claude-3-5-sonnet', 'claude-3-sonnet'], ...OLD_SONNET, source: CLAUDE_3_PAGE },
  { models: ['claude-3-5-haiku'], input: 0.8, output: 4, source: CLAUDE_3_PAGE },
  { models: ['claude-3-opus'], input: 15, output: 75, source: CLAUDE_3_PAGE },
  { models: ['claude-3-haiku'], input: 0.25, output: 1.25, cacheRead: 0.03, cacheWrite5m: 0.3, cacheWrite1h: 0.5, source: CLAUDE_3_PAGE },
  // Retired before prompt caching; from memory of the page as it stood in 2024.
  { models: ['claude-2.1', 'claude-2.0', 'claude-2', 'claude-v2', 'claude-v2:*'], input: 8, output: 24, ...NEVER_CACHED, source: LEGACY_PAGE, asOf: '2024-07-01' },
  { models: ['claude-instant-1.2', 'claude-instant'], input: 0.8, output: 2.4, ...NEVER_CACHED, source: LEGACY_PAGE, asOf: '2024-07-01' },
];

const LAST_COMPARED = '2026-10-24';

/** The built-in prices of Anthropic's models, dated, in pico-dollars a token. Other prices are given by the operator. */
export const PRICES: readonly DatedPrice[] = Object.freeze(PUBLISHED.flatMap(({ models, source = PRICING_PAGE, asOf = LAST_COMPARED, longContext, fastPpm, ...rates }) =>
  models.flatMap(idsOf).map((model): DatedPrice => ({
    model, ...readRates(rates), webSearch: WEB_SEARCH_PICO_DOLLARS, source, asOf,
    ...(longContext === undefined ? {} : { longContext: { ...readRates(longContext), above: longContext.above } }),
    ...(fastPpm === undefined ? {} : { fastPpm }),
  }))));

/** What a model costs that no price is known for: $5 and $25 per million tokens, the price of an Opus. Show that it was used. */
export const UNKNOWN_MODEL_PRICE: Price = Object.freeze({ model: '*', ...readRates({ input: 5, output: 25 }), webSearch: WEB_SEARCH_PICO_DOLLARS });
