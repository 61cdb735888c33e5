// Limits that were set over HTTP and could not be read since the start: what is shown, and who may spend.
import { openSqliteDatabase, type SqlDatabase } from '@penstock/claude-code-gateway/store';
import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { describe, expect, it, vi } from 'vitest';
import { startTestGateway, type TestGateway } from '../../start-test-gateway.ts';
import { CLIENTS, KEYS } from './budget-world.ts';

const ANSWER = wholeResponse(200, ['content-type', 'application/json'], JSON.stringify({ type: 'message', model: 'claude-haiku-4-5', usage: { input_tokens: 1, output_tokens: 1 } }));
const BODY = JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] });

interface World { readonly gateway: TestGateway; readonly heal: () => void; readonly ask: (path?: string) => Promise<Response> }

/** A gateway whose store answers everything but its limits, until it is healed. */
async function start(stack: AsyncDisposableStack, onFailure: 'open' | 'closed'): Promise<World> {
  const upstream = stack.use(await startScriptedUpstream(answerAlways(ANSWER)));
  const database = openSqliteDatabase(':memory:');
  let isDown = true;
  const way: SqlDatabase = {
    run: (statements) => (isDown && statements.some(({ sql }) => /spend_limits|admin_audit/.test(sql)) ? Promise.reject(new Error('connect ECONNREFUSED')) : database.run(statements)),
    close: () => database.close(),
  };
  const gateway = stack.use(await startTestGateway(upstream.origin, { clients: CLIENTS, state: { on_failure: onFailure } }, { database: way }));
  return {
    gateway, heal: () => { isDown = false; },
    ask: (path = '/anthropic/v1/messages') => fetch(gateway.origin + path, { method: 'POST', body: BODY, headers: { 'content-type': 'application/json', authorization: `Bearer ${KEYS.free}` } }),
  };
}

describe('limits of the store that were never read', () => {
  it('are a warning and one line of the log, until they are read', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, heal, ask } = await start(stack, 'open');
    expect(gateway.conditions()['spend_limits']).toMatchObject({ cause: 'ledger_failing', party: 'spend limits' });
    expect(gateway.warnings()['spend_limits']).toMatch(/^ledger_failing: spend limits .*never read/);
    expect((await ask()).status).toBe(200);
    heal();
    await vi.waitUntil(() => gateway.conditions()['spend_limits'] === undefined, { timeout: 60_000, interval: 20 });
    const lines = gateway.logged.map(({ msg }) => String(msg)).filter((line) => line.startsWith('the limits that were set over HTTP'));
    expect(lines).toEqual(['the limits that were set over HTTP cannot be read', 'the limits that were set over HTTP are read again']);
  });

  it('refuse every caller where a model would work, with on_failure "closed", until they are read', async () => {
    await using stack = new AsyncDisposableStack();
    const { heal, ask } = await start(stack, 'closed');
    const refused = await ask();
    expect([refused.status, refused.headers.get('x-penstock-error'), await refused.text()]).toEqual([429, 'budget_spent', expect.stringContaining('Spend limit unavailable')]);
    expect((await ask('/anthropic/v1/messages/count_tokens')).status).toBe(200);
    expect((await ask('/v1/chat/completions')).status).toBe(429);
    heal();
    await vi.waitUntil(async () => (await ask()).status === 200, { timeout: 60_000, interval: 50 });
  });
});
