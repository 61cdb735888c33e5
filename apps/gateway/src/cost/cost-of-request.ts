import { priceUsage, type Price } from '@penstock/anthropic-usage';
import { OUTCOME_TRAITS, type Outcome, type RequestCost, type ResponseTokens, type TokenCounts, type UsageSource } from '../request/request-record.ts';
import { BYTES_PER_TOKEN, costOfBatch, type BatchEstimate } from './cost-of-batch.ts';
import type { PriceBook } from './price-book.ts';
import { createUnpricedParts, type UnpricedParts } from './unpriced-parts.ts';

/** What tokens are estimated from where a response does not report them all. */
export interface RequestSpending {
  /** The status of the upstream's head; absent when none came. */
  readonly upstreamStatus: number | undefined;
  /** Whether the upstream had the whole request. */
  readonly wasSent: boolean;
  /** Input tokens by the length of the request; 0 where its body is not read. */
  readonly estimatedInput: number;
  /** Bytes of what the model wrote, as far as it passed; an estimate where they were not measured. */
  readonly textBytes: number;
  /** The most output tokens that an estimate may come to. */
  readonly outputBound: number;
  /** Of a request that makes a message batch, whose tokens are spent later. */
  readonly batch?: BatchEstimate | undefined;
}

/** One settled request as far as its cost is concerned. */
export interface SettledRequest {
  readonly upstream: string | undefined;
  readonly outcome: Outcome;
  readonly usage: ResponseTokens | undefined;
  readonly source: UsageSource | undefined;
  /** The model that the response named. */
  readonly model: string | undefined;
  /** The id that was sent upstream, where it is not the one asked for. */
  readonly upstreamModel: string | undefined;
  readonly requestedModel: string | undefined;
  /** Absent for a request that spends no tokens, and where the usage is final. */
  readonly spending: RequestSpending | undefined;
}

/** Bytes of an event stream for each byte that its model wrote: envelopes, padding and pings are the rest. By recorded streams, of which half have 12 to 50. */
const STREAM_BYTES_PER_TEXT_BYTE = 24;

/** The bytes that a model wrote in a response where they were not measured. */
export function estimateTextBytes(responseBytes: number, isEventStream: boolean): number {
  return isEventStream ? Math.ceil(responseBytes / STREAM_BYTES_PER_TEXT_BYTE) : responseBytes;
}

/** What a settled request cost; `undefined` where it cost nothing: it was not sent, it was refused, or no model worked on it. */
export function costOf(request: SettledRequest, prices: PriceBook): RequestCost | undefined {
  const { usage, source, spending } = request;
  if (source === 'final' && usage !== undefined) return price(request, usage, false, prices);
  if (spending?.batch !== undefined) return mayBeBilled(request, spending) ? costOfBatch(spending.batch, request.upstream, prices) : undefined;
  const tokens = spending === undefined ? undefined : estimate(request, spending);
  return tokens === undefined || isNothing(tokens) ? undefined : price(request, tokens, true, prices);
}

/** Whether the upstream took a request, or may have. */
function mayBeBilled({ outcome }: SettledRequest, { upstreamStatus, wasSent }: RequestSpending): boolean {
  return upstreamStatus === undefined ? wasSent && OUTCOME_TRAITS[outcome].mayHaveWorked : upstreamStatus < 400;
}

/** Reported input, else the length of the request; the output that was delivered, never less than what was reported. */
function estimate({ outcome, usage }: SettledRequest, { upstreamStatus, wasSent, estimatedInput, textBytes, outputBound }: RequestSpending): ResponseTokens | undefined {
  if (upstreamStatus === undefined && !(wasSent && OUTCOME_TRAITS[outcome].mayHaveWorked)) return undefined;
  // An error is not billed; one that reports usage all the same is taken at its word.
  if (upstreamStatus !== undefined && upstreamStatus >= 400) return usage;
  const output = boundedOutput(textBytes, outputBound);
  if (usage === undefined || inputOf(usage) === 0) {
    return { input: estimatedInput, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: Math.max(output, usage?.output ?? 0) };
  }
  // Entries come with the final usage alone.
  return { ...usage, output: Math.max(output, usage.output) };
}

/** The bound may be a client's own number, which is any: a bound below one token is none that a model keeps. */
function boundedOutput(textBytes: number, outputBound: number): number {
  const written = Math.ceil(textBytes / BYTES_PER_TOKEN);
  return outputBound < written ? Math.max(0, Math.floor(outputBound)) : written;
}

function inputOf({ input, cacheRead, cacheWrite5m, cacheWrite1h }: TokenCounts): number {
  return input + cacheRead + cacheWrite5m + cacheWrite1h;
}

function isNothing(usage: ResponseTokens): boolean {
  return inputOf(usage) === 0 && usage.output === 0;
}

function price(request: SettledRequest, usage: ResponseTokens, isEstimated: boolean, prices: PriceBook): RequestCost {
  const { upstream, model, upstreamModel, requestedModel } = request;
  let unpriced: UnpricedParts | undefined;
  const priceOf = (part: string | undefined): Price => {
    const found = prices.find(upstream, part === undefined ? [model, upstreamModel, requestedModel] : [part]);
    if (!found.isKnown) (unpriced ??= createUnpricedParts()).add(part);
    return found.price;
  };
  const { nanoDollars, parts } = priceUsage(usage, priceOf, prices.multiplierPpm(upstream));
  return {
    nanoDollars, isEstimated, isPriceKnown: unpriced === undefined, unpricedModels: unpriced?.models,
    model: model ?? upstreamModel ?? requestedModel ?? '',
    tokens: { input: usage.input, output: usage.output, cacheRead: usage.cacheRead, cacheWrite5m: usage.cacheWrite5m, cacheWrite1h: usage.cacheWrite1h },
    webSearches: usage.serverToolRequests?.['web_search_requests'] ?? 0,
    parts: parts.some((part) => part.model !== undefined) ? parts : undefined,
  };
}
