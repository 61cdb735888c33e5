import { findPrice, PRICES, UNKNOWN_MODEL_PRICE, WEB_SEARCH_PICO_DOLLARS, type Price } from '@penstock/anthropic-usage';
import type { PriceConfig } from '../config/sections/prices-section.ts';

/** A price and whether the model is known; one that is not has `UNKNOWN_MODEL_PRICE`. */
export interface FoundPrice {
  readonly price: Price;
  readonly isKnown: boolean;
}

/** The prices of one configuration. */
export interface PriceBook {
  /** The price of the first of the model ids that has one at an upstream: the response's, the one sent upstream, the one asked for. */
  find(upstream: string | undefined, models: readonly (string | undefined)[]): FoundPrice;
  /** What the operator multiplies the prices of an upstream by, in parts per million. */
  multiplierPpm(upstream: string | undefined): number;
}

/** Looked up models that are remembered; the id is what a client may have asked for, so that there is no end of them. */
export const MAX_REMEMBERED_PRICES = 1_000;

/** No multiplier. */
const PPM = 1_000_000;
const UNKNOWN: FoundPrice = Object.freeze({ price: UNKNOWN_MODEL_PRICE, isKnown: false });

/** What a price book is made from: `prices`, and the `price_multiplier` of each upstream that has one, by its name in metrics. */
export interface PriceSettings {
  readonly prices: readonly PriceConfig[];
  readonly multipliers: Readonly<Record<string, string>>;
}

/** Makes the prices of a configuration. Rows that name the upstream come first, then those that name none, then the built-in table. */
export function createPriceBook({ prices, multipliers }: PriceSettings): PriceBook {
  const everywhere = prices.filter(({ upstream }) => upstream === undefined).map(readPrice);
  const named = Map.groupBy(prices.filter(({ upstream }) => upstream !== undefined), ({ upstream }) => upstream);
  const ownRows = new Map([...named].map(([upstream, rows]) => [upstream, rows.map(readPrice)]));
  const multipliersPpm = new Map(Object.entries(multipliers).map(([upstream, multiplier]) => [upstream, millionths(multiplier)]));
  /** By upstream and model: a text of both would be made anew by each request. */
  const remembered = new Map<string | undefined, Map<string, FoundPrice | undefined>>();
  let size = 0;
  /** What was found last, which is mostly asked for again: each answer brings a new text, whose hash is not known yet. */
  let latest: { readonly upstream: string | undefined; readonly model: string; readonly found: FoundPrice } | undefined;

  function findOne(upstream: string | undefined, model: string): FoundPrice | undefined {
    const ofUpstream = remembered.get(upstream);
    const known = ofUpstream?.get(model);
    if (known !== undefined || ofUpstream?.has(model) === true) return known;
    const price = findPrice(model, ownRows.get(upstream) ?? []) ?? findPrice(model, everywhere) ?? findPrice(model, PRICES);
    const found = price === undefined ? undefined : { price, isKnown: true };
    remember(upstream, model, found);
    return found;
  }

  function remember(upstream: string | undefined, model: string, found: FoundPrice | undefined): void {
    if (size >= MAX_REMEMBERED_PRICES) {
      remembered.clear();
      size = 0;
    }
    remembered.set(upstream, (remembered.get(upstream) ?? new Map<string, FoundPrice | undefined>()).set(model, found));
    size += 1;
  }

  return {
    find(upstream, models) {
      for (const model of models) {
        if (model === undefined) continue;
        if (latest?.model === model && latest.upstream === upstream) return latest.found;
        const found = findOne(upstream, model);
        if (found === undefined) continue;
        latest = { upstream, model, found };
        return found;
      }
      return UNKNOWN;
    },
    multiplierPpm: (upstream) => multipliersPpm.get(upstream ?? '') ?? PPM,
  };
}

/** Pico-dollars a token in a millionth of each unit. */
const PICO_DOLLARS: Readonly<Record<PriceConfig['unit'], number>> = { usd_per_million_tokens: 1 };

/** A decimal string in millionths: a multiplier becomes parts per million. */
function millionths(decimal: string): number {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return Number(whole) * 1_000_000 + Number(fraction.padEnd(6, '0'));
}

function readPrice(row: PriceConfig): Price {
  const rate = (decimal: string): number => millionths(decimal) * PICO_DOLLARS[row.unit];
  const input = rate(row.input);
  const cache = {
    cacheRead: row.cache_read === undefined ? Math.round(input / 10) : rate(row.cache_read),
    cacheWrite5m: row.cache_write_5m === undefined ? Math.round(input * 1.25) : rate(row.cache_write_5m),
    cacheWrite1h: row.cache_write_1h === undefined ? input * 2 : rate(row.cache_write_1h),
  };
  const price: Price = {
    model: row.model, input, output: rate(row.output), ...cache,
    // Millionths of a dollar per 1,000 are thousands of pico-dollars apiece.
    webSearch: row.web_search_per_1000 === undefined ? WEB_SEARCH_PICO_DOLLARS : millionths(row.web_search_per_1000) * 1_000,
  };
  if (row.long_context === undefined) return price;
  const long = rate(row.long_context.input);
  const grown = (cached: number): number => (input === 0 ? cached : Math.round(cached * long / input));
  return {
    ...price,
    longContext: {
      above: row.long_context.above, input: long, output: rate(row.long_context.output),
      cacheRead: grown(cache.cacheRead), cacheWrite5m: grown(cache.cacheWrite5m), cacheWrite1h: grown(cache.cacheWrite1h),
    },
  };
}
