// Budgets at an OpenAI-compatible origin: what is spent out of sight, and whose quota an answer shows.
import { openSqliteDatabase } from '@penstock/claude-code-gateway';
import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
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
