import { priceUsage, type BatchRequests } from '@penstock/anthropic-usage';
import { MOST_COUNT, MOST_NANO_DOLLARS } from './dollars.ts';
import type { RequestCost } from '../request/request-record.ts';
import type { PriceBook } from './price-book.ts';
import { createUnpricedParts } from './unpriced-parts.ts';

/** Bytes of a token where tokens are not reported. */
export const BYTES_PER_TOKEN = 4;
/** The part of `max_tokens` that the answers of a batch are taken to have, until they are read: one in four. */
export const OUTPUT_SHARE = 4;
/** Bytes of a JSON text for each byte that it is compressed to. */
const USUAL_COMPRESSION = 4;
/** Requests of the largest batch (https://platform.claude.com/docs/en/build-with-claude/batch-processing). */
const MOST_REQUESTS = 100_000;

/** A message batch as far as it was read when it was made. */
export interface BatchEstimate {
  readonly read: BatchRequests;
  /** Whether its body was compressed, so that only its length is known. */
  readonly isCompressed: boolean;
  /** The requests that the API counted; `undefined` where its answer did not come. */
  readonly counted: number | undefined;
}

/**
 * Estimates what a message batch costs: the `params` of each request at 4 bytes a token as input, a quarter of its `max_tokens` as output, at the price of a batch. A
 * compressed body is taken to be four times as long, with a fourth of its input as output. All requests are charged alike, each rounded up.
 */
export function costOfBatch({ read, isCompressed, counted }: BatchEstimate, upstream: string | undefined, prices: PriceBook): RequestCost | undefined {
  const requests = Math.min(MOST_REQUESTS, counted ?? (isCompressed ? 1 : read.count));
  if (requests === 0) return undefined;
  const models = isCompressed ? [{ model: '', count: requests, paramsBytes: read.bytes * USUAL_COMPRESSION, maxTokens: read.bytes }] : read.models;
  let [nanoDollars, input, output] = [0n, 0, 0];
  const unpriced = createUnpricedParts();
  for (const { model, count, paramsBytes, maxTokens } of models) {
    const one = { input: Math.ceil(paramsBytes / BYTES_PER_TOKEN / count), output: Math.ceil(maxTokens / OUTPUT_SHARE / count), cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
    const found = prices.find(upstream, [model]);
    if (!found.isKnown) unpriced.add(model);
    nanoDollars += priceUsage({ ...one, serviceTier: 'batch' }, () => found.price, prices.multiplierPpm(upstream)).nanoDollars * BigInt(count);
    input += one.input * count;
    output += one.output * count;
  }
  const each = { nanoDollars: smaller(divideUp(nanoDollars, BigInt(requests)), MOST_NANO_DOLLARS / BigInt(requests)), input: share(input, requests), output: share(output, requests) };
  return {
    nanoDollars: each.nanoDollars * BigInt(requests), isEstimated: true, isPriceKnown: unpriced.models.length === 0, model: models[0]?.model ?? '', webSearches: 0,
    unpricedModels: unpriced.models.length === 0 ? undefined : unpriced.models,
    tokens: { input: each.input * requests, output: each.output * requests, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    batch: { requests, each },
  };
}

/** Within what an entry of the ledger holds for all of them together. */
function share(tokens: number, requests: number): number {
  return Math.min(Math.ceil(tokens / requests), Math.floor(MOST_COUNT / requests));
}

function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

function smaller(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
