import { describe, expect, it } from 'vitest';
import { costAt, spendsLater, type TokenCost } from '../../src/relay/token-cost.ts';
import { relayedFacts } from '../../src/translation/relayed-facts.ts';

const readTokenCost = (path: string, request: Readonly<Record<string, unknown>>): Partial<TokenCost> => costAt(path, relayedFacts(request));

const CHAT = '/v1/chat/completions';

describe('what a request may cost', () => {
  it.each([
    ['the largest of its bounds', CHAT, { max_completion_tokens: 1, max_tokens: 50_000, n: 100 }, 50_000, 100],
    ['the best of several', '/v1/completions', { max_tokens: 5, n: 2, best_of: 8 }, 5, 8],
    ['every prompt', '/v1/completions', { max_tokens: 5, prompt: ['a', 'b', 'c'], n: 2 }, 5, 6],
    ['one prompt of token numbers', '/v1/completions', { max_tokens: 5, prompt: [1, 2, 3] }, 5, 1],
    ['the bound of the Responses API', '/v1/responses', { max_output_tokens: 9 }, 9, 1],
    ['no bound', CHAT, { max_tokens: null }, undefined, 1],
    ['nothing written', '/v1/embeddings', { max_tokens: 9 }, 0, 1],
    ['nothing written however often', '/v1/embeddings', { n: 1.5 }, 0, 1],
  ])('is %s', (_what, path, request, maxTokens, choices) => {
    expect(readTokenCost(path, request)).toEqual({ maxTokens, choices, isSpentLater: false });
  });

  it.each(['/v1/moderations', '/v1/responses/input_tokens'])('is nothing for %s, which no model answers', (path) => {
    expect(readTokenCost(path, { max_tokens: 5 })).toEqual({ isSpentLater: false, isFree: true });
  });

  it.each(['50000', -1, 0.5, 1e300, true, {}])('is without bound where a bound is %j, which an origin may read as it likes', (bound) => {
    expect(readTokenCost(CHAT, { max_completion_tokens: 1, max_tokens: bound })).toMatchObject({ maxTokens: Number.POSITIVE_INFINITY });
    expect(readTokenCost(CHAT, { max_tokens: 1, n: bound })).toMatchObject({ choices: Number.POSITIVE_INFINITY });
  });
});

describe('work that is done after its answer', () => {
  it.each(['/v1/batches', '/v1/Batches/', '/v1/b%61tches', '/v1/realtime/calls', '/v1/fine_tuning/jobs', '/v1/evals/e/runs', '/v1/threads/t/runs', '/v1/videos'])('is %s', (target) => {
    expect(spendsLater(target)).toBe(true);
  });

  it.each(['/v1/batches/b/cancel', '/v1/chat/completions', '/v1/batchesque', '/v1/files'])('is not %s', (target) => {
    expect(spendsLater(target)).toBe(false);
  });

  it('is a response in the background', () => {
    expect(readTokenCost('/v1/responses', { background: true })).toMatchObject({ isSpentLater: true });
  });
});
