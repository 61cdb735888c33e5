import { hash } from 'node:crypto';
import { MOST_COUNT, MOST_NANO_DOLLARS } from '../../cost/dollars.ts';
import type { ReadBatchResult } from '../entries-of-request.ts';
import { storableName } from '../ledger-entry.ts';
import type { BatchResultCost } from './batch-record.ts';

const NO_TOKENS = Object.freeze({ input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 });
/** Names nothing: a result that is not billed adds to no model. */
const NO_MODEL = 'unknown';

/** A result as the store takes it: its key is a digest, so that an id of any length and content has one of 22 characters. */
export function readResult({ customId, cost }: ReadBatchResult): BatchResultCost {
  const key = hash('sha256', customId.toWellFormed(), 'base64url').slice(0, 22);
  if (cost === undefined) return { key, model: NO_MODEL, tokens: NO_TOKENS, webSearches: 0, nanoDollars: 0n };
  const { model, tokens, webSearches, nanoDollars } = cost;
  return {
    key, tokens, webSearches: Math.min(webSearches, MOST_COUNT), model: model === '' ? NO_MODEL : storableName(model),
    nanoDollars: nanoDollars > MOST_NANO_DOLLARS ? MOST_NANO_DOLLARS : nanoDollars,
  };
}
