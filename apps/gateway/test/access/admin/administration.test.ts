// The administration over sockets: who may, what it answers, and what becomes of a limit that was set.
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startTestOperations } from '../../release/start-test-operations.ts';
import { startBudgetWorld, type BudgetWorld } from '../budgets/budget-world.ts';

const WRITE = 'write-key-of-an-administrator-0123456789';
const READ = 'read-key-of-an-administrator-01234567890';
const PATH = '/v1/organizations/spend_limits';
const FILE_BUDGET = { scope: { client: 'free' }, share: 'each', period: 'daily', amount_cents: 100_000 };

interface Asked { readonly status: number; readonly headers: Headers; readonly body: Readonly<Record<string, unknown>> }
interface AdminWorld { readonly world: BudgetWorld; readonly ask: (method: string, path?: string, body?: unknown, key?: string, fields?: Readonly<Record<string, string>>) => Promise<Asked> }

let stack = new AsyncDisposableStack();
afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});

async function start(admin: object = {}, budgets: readonly object[] = [FILE_BUDGET]): Promise<AdminWorld> {
  const world = stack.use(await startBudgetWorld({ budgets, admin: { write_keys: [WRITE], read_keys: [READ], ...admin } }));
  const operations = await startTestOperations({ administer: world.gateway.administer });
  stack.defer(() => operations.close());
  return { world, ask: asker(`http://127.0.0.1:${operations.port}`) };
}

function asker(origin: string): AdminWorld['ask'] {
  return async (method, path = '', body, key = WRITE, fields = {}) => {
    const answer = await fetch(origin + PATH + path, { method, headers: { ...(key === '' ? {} : { 'x-api-key': key }), ...fields }, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) as Record<string, unknown> };
  };
}

const capped = (amount: string | null, more: object = {}): object => ({ scope: { type: 'client', client_id: 'capped' }, amount, ...more });

describe('who may administer', () => {
  it('needs a key, on this machine as well; a read key only reads', async () => {
    const { ask } = await start();
    for (const wrong of ['', 'unknown', WRITE.slice(1)]) {
      const refused = await ask('GET', '', undefined, wrong);
      expect([refused.status, refused.body['type'], (refused.body['error'] as { type: string }).type]).toEqual([401, 'error', 'authentication_error']);
      expect(refused.headers.get('request-id')).toBe(refused.body['request_id']);
    }
    expect((await ask('GET', '', undefined, READ)).status).toBe(200);
    for (const [method, path] of [['POST', ''], ['DELETE', '/spl_x']] as const) {
      const refused = await ask(method, path, method === 'POST' ? capped('1') : undefined, READ);
      expect([refused.status, (refused.body['error'] as { type: string }).type]).toEqual([403, 'permission_error']);
    }
    expect((await ask('GET', '/audit')).body['data']).toEqual([]);
  });

  it('is answered before a byte of the body is read where the key is wrong', async () => {
    const { world } = await start({ main_listener: true });
    const asking = request(`${world.gateway.origin}/anthropic${PATH}`, { method: 'POST', headers: { 'x-api-key': READ, 'content-length': '70000' } });
    asking.on('error', () => undefined);
    asking.flushHeaders();
    const [answer] = await (once(asking, 'response') as Promise<[IncomingMessage]>);
    expect(answer.statusCode).toBe(403);
    asking.destroy();
  });

  it('does not exist without keys and groups', async () => {
    const { ask } = await start({ write_keys: [], read_keys: [] });
    expect((await ask('GET')).status).toBe(404);
  });

  it('is at the main listener only where that is configured, before the routes of the API, and for no browser', async () => {
    const { world } = await start({ main_listener: true });
    const ask = asker(`${world.gateway.origin}/anthropic`);
    expect((await ask('POST', '', capped('5'))).status).toBe(200);
    const answer = await ask('GET');
    expect([answer.status, (answer.body['data'] as unknown[]).length, answer.headers.get('access-control-allow-origin')]).toEqual([200, 1, null]);
    expect((await ask('GET', '', undefined, '')).status).toBe(401);
    const report = await fetch(`${world.gateway.origin}/anthropic/v1/usage?by=client`, { headers: { 'x-api-key': READ } });
    expect([report.status, await report.json()]).toEqual([200, expect.objectContaining({ by: 'client' })]);
    const slash = await fetch(`${world.gateway.origin}/anthropic/v1/usage/?by=client`, { headers: { 'x-api-key': READ } });
    expect([slash.status, await slash.text()]).toEqual([400, expect.not.stringContaining('administration is off')]);
    expect((await fetch(`${world.gateway.origin}/anthropic/v1/usage`)).status).toBe(401);
    const page = await fetch(`${world.gateway.origin}/anthropic/v1/usage`, { headers: { 'x-api-key': READ, origin: world.gateway.origin } });
    expect(page.status).toBe(403);
    expect(world.upstream.requests).toHaveLength(0);
    const closed = await start();
    expect((await asker(`${closed.world.gateway.origin}/anthropic`)('GET')).status).not.toBe(200);
  });
});

describe('a limit', () => {
  it('is set, shown, changed and deleted, and holds at once', async () => {
    const { world, ask } = await start();
    await world.spend(10, ['client:capped'], 10);
    expect((await world.ask('capped')).status).toBe(200);
    const made = await ask('POST', '', capped('0010'));
    expect(made.body).toEqual({
      type: 'spend_limit', id: expect.stringMatching(/^spl_/) as string, created_at: expect.any(String) as string, updated_at: expect.any(String) as string,
      scope: { type: 'client', client_id: 'capped' }, amount: '10', currency: 'USD', period: 'monthly',
    });
    expect((await world.ask('capped')).status).toBe(429);
    const id = String(made.body['id']);
    expect((await ask('POST', '', capped('11'))).body).toMatchObject({ id, amount: '11' });
    expect((await world.ask('capped')).status).toBe(200);
    expect((await ask('GET', `/${id}`)).body).toMatchObject({ id, amount: '11' });
    expect((await ask('POST', '', capped('0'))).status).toBe(200);
    expect((await world.ask('capped')).status).toBe(429);
    expect((await ask('DELETE', `/${id}`)).body).toEqual({ type: 'spend_limit_deleted', id });
    expect((await world.ask('capped')).status).toBe(200);
    for (const method of ['GET', 'DELETE']) expect((await ask(method, `/${id}`)).status).toBe(404);
  });

  it('that the configuration has is read-only', async () => {
    const { world, ask } = await start();
    const refused = await ask('POST', '', { scope: { type: 'client', client_id: 'free' }, amount: '1', period: 'daily' });
    expect([refused.status, (refused.body['error'] as { message: string }).message]).toEqual([409, 'This limit is budgets[0] of the configuration of the gateway: change it there.']);
    expect((await ask('POST', '', { scope: { type: 'client', client_id: 'free' }, amount: '0', period: 'weekly' })).status).toBe(200);
    expect((await world.ask('free')).status).toBe(429);
  });

  it('is refused with the field that is wrong, and a body that is too large unread', async () => {
    const { ask } = await start();
    const refused = await ask('POST', '', capped('1.5'));
    expect([refused.status, (refused.body['error'] as { type: string; message: string })]).toEqual([400, { type: 'invalid_request_error', message: expect.stringMatching(/^amount must be a string of whole cents/) as string }]);
    expect((await ask('POST', '', '{')).status).toBe(400);
    expect((await ask('POST', '', 'x'.repeat(70_000))).status).toBe(413);
    expect((await ask('PUT')).status).toBe(405);
    expect((await ask('POST', '/effective', {})).status).toBe(405);
  });

  it('reaches the other processes of the store within a turn', async () => {
    const { world, ask } = await start();
    const replica = await world.startOther();
    expect((await world.ask('capped', undefined, undefined, replica)).status).toBe(200);
    expect((await ask('POST', '', capped('0'))).status).toBe(200);
    await vi.waitUntil(async () => (await world.ask('capped', undefined, undefined, replica)).status === 429, { timeout: 60_000, interval: 50 });
  });
});

describe('lists', () => {
  it('are pages by creation', async () => {
    const { ask } = await start();
    const ids: string[] = [];
    for (const period of ['daily', 'weekly', 'monthly']) ids.push(String((await ask('POST', '', capped('5', { period }))).body['id']));
    const page = async (query: string): Promise<unknown> => {
      const { data, ...rest } = (await ask('GET', query)).body;
      return { ids: (data as { id: string }[]).map(({ id }) => ids.indexOf(id)), more: rest['has_more'], last: ids.indexOf(String(rest['last_id'])) };
    };
    expect(await page('?limit=2')).toEqual({ ids: [0, 1], more: true, last: 1 });
    expect(await page(`?limit=2&after_id=${ids[1]}`)).toEqual({ ids: [2], more: false, last: 2 });
    expect(await page(`?limit=1&before_id=${ids[2]}`)).toEqual({ ids: [1], more: true, last: 1 });
    expect(await page('?scope_type=user')).toEqual({ ids: [], more: false, last: -1 });
    for (const wrong of ['?after_id=spl_none', '?limit=0', '?limit=1001', `?after_id=${ids[0]}&before_id=${ids[1]}`]) expect((await ask('GET', wrong)).status).toBe(400);
  });

  it('of the audit have who changed what, the newest first', async () => {
    const { ask } = await start();
    const { id } = (await ask('POST', '', capped('5', { reason: 'a test' }))).body;
    await ask('DELETE', `/${String(id)}`);
    const { data, has_more: more } = (await ask('GET', '/audit?limit=1')).body;
    expect([data, more]).toEqual([[{ type: 'audit_event', id: 2, created_at: expect.any(String) as string, actor: expect.stringMatching(/^admin-key:[0-9a-f]{12}$/) as string, action: 'spend_limit.delete', target_id: id, before: expect.objectContaining({ amount: '5' }) as object, after: null, reason: null }], true]);
    expect((await ask('GET', '/audit?after_id=2', undefined, READ)).body['data']).toMatchObject([{ id: 1, action: 'spend_limit.upsert', before: null, after: { amount: '5' }, reason: 'a test' }]);
  });

  it('of what holds have what was spent, to the fraction of a cent', async () => {
    const { world, ask } = await start();
    await world.spend(7, ['client:capped', 'organization'], 7);
    await ask('POST', '', capped('50'));
    await ask('POST', '', { scope: { type: 'organization' }, amount: '900', period: 'monthly' });
    const rows = async (query: string): Promise<unknown> => (await ask('GET', `/effective${query}`, undefined, READ)).body['data'];
    expect(await rows('?period[]=monthly&sort=spend_desc')).toEqual([expect.objectContaining({
      scope: { type: 'client', client_id: 'capped' }, amount: '50', source: 'client', period: 'monthly', period_to_date_spend: '7', spend_limit_id: expect.stringMatching(/^spl_/) as string,
    })]);
    expect(await rows('?user_ids[]=alice&period[]=monthly')).toEqual([expect.objectContaining({
      actor: { type: 'user_actor', user_id: 'alice', name: null, email_address: null, deleted: false }, amount: '900', source: 'organization', period_to_date_spend: '0',
    })]);
    expect((await ask('GET', '/effective?sort=spend_desc')).status).toBe(400);
    expect((await ask('GET', '/effective?period[]=yearly')).status).toBe(400);
  });
});
