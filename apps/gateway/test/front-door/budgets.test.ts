// Budgets at an OpenAI-compatible origin: what is spent out of sight, and whose quota an answer shows.
import { openSqliteDatabase } from '@penstock/claude-code-gateway';
import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { describe, expect, it, vi } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { createLimiter } from '../../src/access/limits/create-limiter.ts';
import type { Lease, Limiter, LimiterOptions } from '../../src/access/limits/limiter.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const KEY = 'pen_the-key-of-the-client-with-a-budget-0123';
const ANSWER = wholeResponse(200, ['content-type', 'application/json', 'x-ratelimit-limit-requests', '60', 'openai-version', '2020-10-01'], JSON.stringify({ id: '1', object: 'chat.completion', model: 'gpt-x', choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }));

async function start(stack: AsyncDisposableStack, budgets: readonly object[], client: object = {}, door: object = {}): Promise<(path: string, body: object) => Promise<Response>> {
  const origin = stack.use(await startScriptedUpstream(answerAlways(ANSWER)));
  const gateway: TestGateway = stack.use(await startTestGateway('http://127.0.0.1:1', {
    budgets, clients: [{ name: 'capped', key_sha256: hashClientKey(KEY), ...client }],
    openai_front_door: { route_groups: ['front_door', 'front_door_batches', 'front_door_files'], backends: [{ name: 'other', kind: 'openai', base_url: `${origin.origin}/v1`, api_key: 'k' }], ...door },
  }, { database: openSqliteDatabase(':memory:') }));
  return (path, body) => fetch(gateway.origin + path, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` }, body: JSON.stringify(body) });
}

const budget = (cents: number, rest: object = {}): object => ({ scope: { client: 'capped' }, share: 'each', amount_cents: cents, ...rest });
const CHAT = { model: 'gpt-x', messages: [{ role: 'user', content: 'Hi' }] };
const BATCH = { input_file_id: 'file-1', endpoint: '/v1/chat/completions', completion_window: '24h' };

/** Real limits of the front door whose tokens come when a test lets them come. */
function holdTokens(): { readonly makeLimiter: (options: LimiterOptions) => Limiter; readonly asked: Promise<void>; readonly give: () => void } {
  const asked = Promise.withResolvers<void>();
  const given = Promise.withResolvers<void>();
  const hold = (lease: Lease): Lease => ({
    settle: (used) => { lease.settle(used); },
    release: () => { lease.release(); },
    async reserve(bounds) {
      asked.resolve();
      await given.promise;
      return lease.reserve(bounds);
    },
  });
  const makeLimiter = (options: LimiterOptions): Limiter => {
    const limiter = createLimiter(options);
    if (options.scope !== 'front_door') return limiter;
    return {
      ...limiter,
      async admit(name, counterKey) {
        const admission = await limiter.admit(name, counterKey);
        return admission.ok ? { ok: true, lease: hold(admission.lease) } : admission;
      },
    };
  };
  return { makeLimiter, asked: asked.promise, give: given.resolve };
}

describe('a request that waits for its tokens', () => {
  it.each([['refused when its caller spent the budget meanwhile', true, 429, 'insufficient_quota', 0], ['served when nothing was spent', false, 200, null, 1]])('is judged by its budget once more when they have come: %s', async (_what, spends, status, code, served) => {
    await using stack = new AsyncDisposableStack();
    const origin = stack.use(await startScriptedUpstream(answerAlways(ANSWER)));
    const costly = JSON.stringify({ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-haiku-4-5', content: [], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1_000_000 } });
    const anthropic = stack.use(await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], costly))));
    const { makeLimiter, asked, give } = holdTokens();
    const gateway: TestGateway = stack.use(await startTestGateway(anthropic.origin, {
      budgets: [budget(100)], clients: [{ name: 'capped', key_sha256: hashClientKey(KEY), limits: { output_tokens_per_minute: 100_000_000 } }],
      openai_front_door: { backends: [{ name: 'other', kind: 'openai', base_url: `${origin.origin}/v1`, api_key: 'k' }] },
    }, { database: openSqliteDatabase(':memory:'), makeLimiter }));
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` };
    const waiting = fetch(`${gateway.origin}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(CHAT) });
    await asked;
    if (spends) {
      const message = JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] });
      expect((await fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', headers, body: message })).status).toBe(200);
      await vi.waitUntil(async () => {
        const usage = await (await fetch(`${gateway.anthropic}/api/oauth/usage`, { headers })).json() as { extra_usage: { used_credits: number } };
        return usage.extra_usage.used_credits >= 100;
      }, { timeout: 60_000, interval: 20 });
    }
    give();
    const answer = await waiting;
    expect([answer.status, answer.headers.get('x-penstock-error'), origin.requests.length]).toEqual([status, code, served]);
  });
});

describe('a caller with a budget', () => {
  it('may start no batch unless its routes name them, nor one when the budget is spent', async () => {
    await using stack = new AsyncDisposableStack();
    const closed = await (await start(stack, [budget(100)]))('/v1/batches', BATCH);
    expect([closed.status, await closed.text()]).toEqual([403, expect.stringContaining('not open to a caller with a budget')]);
    expect((await (await start(stack, [budget(100)], { routes: ['front_door_batches', 'front_door_files'] }))('/v1/batches', BATCH)).status).toBe(200);
    expect((await (await start(stack, [budget(100, { stop: false })]))('/v1/batches', BATCH)).status).toBe(200);
    const spent = await (await start(stack, [budget(0)], { routes: ['front_door_batches', 'front_door_files'] }))('/v1/batches', BATCH);
    expect([spent.status, spent.headers.get('x-penstock-error')]).toEqual([429, 'insufficient_quota']);
  });

  it('may use no route that is not known unless its routes name them', async () => {
    await using stack = new AsyncDisposableStack();
    const door = { route_groups: ['front_door', 'front_door_unknown'] };
    const closed = await (await start(stack, [budget(100)], {}, door))('/v1/something_new', CHAT);
    expect([closed.status, await closed.text()]).toEqual([403, expect.stringContaining('The \\"front_door_unknown\\" routes are not open to a caller with a budget')]);
    expect((await (await start(stack, [budget(100)], { routes: ['front_door_unknown'] }, door))('/v1/something_new', CHAT)).status).toBe(200);
    expect((await (await start(stack, [budget(100, { stop: false })], {}, door))('/v1/something_new', CHAT)).status).toBe(200);
  });

  it('counts tokens and has texts judged when the budget is spent, and nothing else', async () => {
    await using stack = new AsyncDisposableStack();
    const ask = await start(stack, [budget(0)]);
    const statuses = await Promise.all(['responses/input_tokens', 'moderations', 'embeddings', 'responses', 'chat/completions'].map(async (path) => (await ask(`/v1/${path}`, { ...CHAT, input: 'Hi' })).status));
    expect(statuses).toEqual([200, 200, 429, 429, 429]);
  });

  it('sees not the quota of the gateway\'s key; one without a budget does', async () => {
    await using stack = new AsyncDisposableStack();
    const fieldsOf = async (budgets: readonly object[]): Promise<unknown> => {
      const answer = await (await start(stack, budgets))('/v1/chat/completions', CHAT);
      return [answer.status, answer.headers.get('x-ratelimit-limit-requests'), answer.headers.get('openai-version')];
    };
    expect(await fieldsOf([budget(100)])).toEqual([200, null, '2020-10-01']);
    expect(await fieldsOf([])).toEqual([200, '60', '2020-10-01']);
  });
});
