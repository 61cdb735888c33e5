import { MOST_COUNT, MOST_NANO_DOLLARS } from '../cost/dollars.ts';
import type { TokenCounts } from '../request/request-record.ts';
import type { LedgerEntry } from './ledger-entry.ts';

/**
 * An entry that every store takes: its amounts are within bounds, its counts whole. Readers of responses make only such ones; this is the last defence,
 * because one row that a store refuses keeps all others from being written, and one amount that is no 64-bit integer spoils each later sum.
 */
export function boundedEntry(entry: LedgerEntry): LedgerEntry {
  const { nanoDollars, tokens, webSearches } = entry;
  const { input, output, cacheRead, cacheWrite5m, cacheWrite1h } = tokens;
  if (isStorable(input) && isStorable(output) && isStorable(cacheRead) && isStorable(cacheWrite5m) && isStorable(cacheWrite1h) && isStorable(webSearches)
    && nanoDollars <= MOST_NANO_DOLLARS && nanoDollars >= -MOST_NANO_DOLLARS) return entry;
  const counts: TokenCounts = {
    input: boundedCount(input), output: boundedCount(output), cacheRead: boundedCount(cacheRead), cacheWrite5m: boundedCount(cacheWrite5m), cacheWrite1h: boundedCount(cacheWrite1h),
  };
  return { ...entry, nanoDollars: boundedAmount(nanoDollars), tokens: counts, webSearches: boundedCount(webSearches) };
}

function isStorable(count: number): boolean {
  return Number.isInteger(count) && Math.abs(count) <= MOST_COUNT;
}

function boundedCount(count: number): number {
  return Number.isNaN(count) ? 0 : Math.max(-MOST_COUNT, Math.min(MOST_COUNT, Math.trunc(count)));
}

function boundedAmount(amount: bigint): bigint {
  if (amount > MOST_NANO_DOLLARS) return MOST_NANO_DOLLARS;
  return amount < -MOST_NANO_DOLLARS ? -MOST_NANO_DOLLARS : amount;
}
