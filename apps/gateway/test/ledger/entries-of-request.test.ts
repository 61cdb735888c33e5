import { expect, test } from 'vitest';
import { createEntriesOfRequest, MOST_MODELS_A_DAY } from '../../src/ledger/entries-of-request.ts';
import type { RequestCost, TokenCounts } from '../../src/request/request-record.ts';
import { NOON } from './made-entries.ts';

const tokens = (input: number): TokenCounts => ({ input, output: 1, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 });
const cost = (model: string, more: Partial<RequestCost> = {}): RequestCost => ({ nanoDollars: 10n, isEstimated: false, isPriceKnown: true, model, tokens: tokens(5), webSearches: 2, ...more });

test('entries: parts of other models are rows of theirs, and the request and its searches count once', () => {
  const parts = [{ tokens: tokens(2), nanoDollars: 4n }, { model: 'claude-advisor', tokens: tokens(3), nanoDollars: 6n }];
  const entries = createEntriesOfRequest()({ cost: cost('claude-x', { parts }), client: 'alice' }, NOON);
  expect(entries.map(({ model, requests, webSearches, nanoDollars, tokens: { input } }) => [model, requests, webSearches, nanoDollars, input])).toEqual([['claude-x', 1, 2, 4n, 2], ['claude-advisor', 0, 0, 6n, 3]]);
  expect(entries.map(({ scopes }) => scopes)).toEqual([['client:alice', 'organization'], ['client:alice', 'organization']]);
});

test('entries: of models that clients invent a day has so many rows at most, and the next day begins anew', () => {
  const entriesOf = createEntriesOfRequest();
  const modelAt = (model: string, at: number): string | undefined => entriesOf({ cost: cost(model), client: 'alice' }, at)[0]?.model;
  const named = Array.from({ length: MOST_MODELS_A_DAY + 5 }, (_, index) => modelAt(`m${index}`, NOON));
  expect(named.filter((model) => model === 'other')).toHaveLength(5);
  expect([modelAt('m0', NOON), modelAt('new', NOON), modelAt('new', NOON + 86_400_000), modelAt('', NOON + 86_400_000)]).toEqual(['m0', 'other', 'new', 'unknown']);
});

test('entries: what is found out of a person is kept with its token, and of a client with its name', () => {
  const entriesOf = createEntriesOfRequest();
  const person = { kind: 'person', issuer: 'sign_in', subject: 'u1', email: 'u1@x.example', groups: ['eng'] } as const;
  const [first, second] = [0, 1].map(() => entriesOf({ cost: cost('m'), client: 'everyone', person }, NOON)[0]);
  expect(first).toMatchObject({ principal: 'u1', kind: 'person', email: 'u1@x.example', scopes: ['user:u1', 'group:eng', 'organization'] });
  expect(second?.scopes).toBe(first?.scopes);
});
