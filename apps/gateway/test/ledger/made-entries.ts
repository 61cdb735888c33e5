import { clientScope, ORGANIZATION, type LedgerEntry } from '../../src/ledger/ledger-entry.ts';

/** A day in the middle of a month, as a time in Unix milliseconds. */
export const NOON = Date.UTC(2026, 4, 13, 12);

/** An entry of a client, and how it differs. */
export function madeEntry(nanoDollars: bigint, { client = 'alice', ...changes }: Partial<LedgerEntry> & { readonly client?: string } = {}): LedgerEntry {
  return {
    principal: `client:${client}`, kind: 'client', model: 'claude-x', at: NOON, requests: 1, tokens: { input: 10, output: 20, cacheRead: 3, cacheWrite5m: 4, cacheWrite1h: 5 },
    webSearches: 1, nanoDollars, isEstimated: false, scopes: [clientScope(client), ORGANIZATION], ...changes,
  };
}
