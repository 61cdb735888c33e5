// Budgets over sockets, on both sides: what a caller with one reads, what the others read, and when it ends.
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { dayOf, spansOf, startOfDay } from '../../../src/access/budgets/calendar.ts';
import { gatewayConfigSchema } from '../../../src/config/gateway-config.ts';
import { CLIENTS, KEYS, startBudgetWorld, type BudgetWorld } from './budget-world.ts';

const PREFIX = 'anthropic-ratelimit-unified-';
const monthly = { scope: { client: 'capped' }, share: 'each', period: 'monthly', amount_cents: 1_000 };
const daily = { ...monthly, period: 'daily' };
const resetOf = (period: 'daily' | 'weekly' | 'monthly'): string => String(startOfDay(spansOf(dayOf(Date.now()))[period].resetDay));
/** Checks once more where a day began meanwhile, by which what is spent and when it resets are others. */
async function withinOneDay(check: () => Promise<void>): Promise<void> {
  const day = dayOf(Date.now());
  await check().catch(async (error: unknown) => {
    if (dayOf(Date.now()) === day) throw error;
    await check();
  });
}
const unified = (answer: Response): Readonly<Record<string, string>> =>
  Object.fromEntries([...answer.headers].flatMap(([name, value]) => (name.startsWith('anthropic-ratelimit-') ? [[name.replace(PREFIX, ''), value]] : [])));
const start = (...budgets: readonly object[]): Promise<BudgetWorld> => startBudgetWorld({ budgets });

describe('an answer to a caller with a budget', () => {
  it('has what is spent of the budget in place of the quota of the gateway\'s key, and that of others keeps the quota', async () => {
    await using world = await start(monthly);
    await world.spend(100, ['client:capped'], 100);
    expect(unified(await world.ask('capped'))).toEqual({
      status: 'allowed', 'overage-status': 'allowed', 'representative-claim': 'overage', 'overage-utilization': '0.10', reset: resetOf('monthly'), 'overage-reset': resetOf('monthly'),
    });
    expect(unified(await world.ask('free'))).toEqual({ 'anthropic-ratelimit-requests-limit': '50', status: 'allowed', 'anthropic-ratelimit-tokens-remaining': '9000' });
  });

  it('warns from each threshold on', async () => {
    await using world = await start(monthly);
    await world.spend(749, ['client:capped'], 749);
    expect(unified(await world.ask('capped'))).not.toHaveProperty('overage-surpassed-threshold');
    await world.spend(1, ['client:capped'], 750);
    expect(unified(await world.ask('capped'))).toMatchObject({ status: 'allowed_warning', 'overage-status': 'allowed_warning', 'overage-utilization': '0.75', 'overage-surpassed-threshold': '0.75' });
    await world.spend(210, ['client:capped'], 960);
    expect(unified(await world.ask('capped'))).toMatchObject({ 'overage-utilization': '0.96', 'overage-surpassed-threshold': '0.95' });
  });

  it('describes the fullest of several, and below the whole where it only warns', () => withinOneDay(async () => {
    await using world = await start(monthly, { ...daily, amount_cents: 500, stop: false });
    await world.spend(900, ['client:capped'], 900);
    expect(unified(await world.ask('capped'))).toMatchObject({ 'overage-utilization': '0.99', reset: resetOf('daily') });
  }));

  it('has neither the upstream\'s quota nor its own in an error', async () => {
    await using world = await startBudgetWorld({ budgets: [monthly] }, 429);
    const answer = await world.ask('capped');
    expect([answer.status, unified(answer)]).toEqual([429, {}]);
    expect(unified(await world.ask('free'))).toHaveProperty('anthropic-ratelimit-requests-limit');
  });
});

describe('a budget that is spent', () => {
  it('refuses with the answer that makes Claude Code print the sentence and stop, and no other caller is refused', async () => {
    await using world = await start({ ...monthly, amount_cents: 50_000 });
    await world.spend(50_000, ['client:capped'], 50_000);
    const refused = await world.ask('capped');
    const waits = Number(refused.headers.get('retry-after'));
    expect(refused.status).toBe(429);
    expect(Math.abs(Date.now() / 1_000 + waits - Number(resetOf('monthly')))).toBeLessThan(60);
    expect([refused.headers.get('x-should-retry'), refused.headers.get('x-penstock-error')]).toEqual(['false', 'budget_spent']);
    expect(unified(refused)).toEqual({
      status: 'rejected', reset: resetOf('monthly'), 'overage-reset': resetOf('monthly'), 'overage-utilization': '1', 'overage-surpassed-threshold': '1', 'overage-period': 'monthly',
      'overage-disabled-reason': 'org_spend_cap_reached',
    });
    expect(await refused.json()).toMatchObject({
      type: 'error', error: { type: 'billing_error', message: expect.stringMatching(/^Your monthly budget of \$500\.00 at this gateway is spent · resets 1 \w+ \d{4}, 00:00 UTC · Ask those who run this gateway for more\.$/) as string },
    });
    expect((await world.ask('free')).status).toBe(200);
    expect(world.upstream.requests).toHaveLength(1);
    expect(await world.gateway.series('penstock_limit_rejections_total{client="capped",limit="budget"}')).toBe(1);
    expect(world.gateway.conditions()).toEqual({ 'budget_client capped_monthly': { cause: 'budget_spent', party: 'client capped', detail: 'the monthly $500.00' } });
    expect(world.gateway.warnings()).toEqual({});
  });

  it('refuses OpenAI clients with insufficient_quota', async () => {
    await using world = await start(monthly);
    await world.spend(1_000, ['client:capped'], 1_000);
    const refused = await world.ask('capped', '/v1/chat/completions');
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([429, 'false']);
    expect(await refused.json()).toMatchObject({ error: { type: 'insufficient_quota', code: 'insufficient_quota', message: expect.stringContaining('Your monthly budget of $10.00') as string } });
    expect((await world.ask('free', '/v1/chat/completions')).status).toBe(200);
    expect((await world.ask('capped', '/v1/models', { method: 'GET', body: null })).status).not.toBe(429);
  });

  it('leaves counting, models and usage open', async () => {
    await using world = await start({ ...monthly, amount_cents: 0 });
    expect((await world.ask('capped', '/anthropic/v1/messages/count_tokens')).status).toBe(200);
    expect((await world.ask('capped', '/anthropic/v1/models', { method: 'GET', body: null })).status).toBe(200);
    expect(await world.usage()).toMatchObject({ extra_usage: { monthly_limit: 0, utilization: 100 } });
    expect((await world.ask('capped')).status).toBe(429);
  });

  it('that is shared is called so, by whom', async () => {
    await using world = await startBudgetWorld({ budgets: [{ scope: { organization: true }, share: 'pooled', period: 'weekly', amount_cents: 10 }], admin: { blocked_message: 'Write to finance@example.com.' } });
    await world.spend(10, ['organization'], 10);
    for (const client of ['capped', 'free'] as const) {
      const refused = await world.ask(client);
      expect(unified(refused)).toMatchObject({ 'overage-period': 'weekly', reset: resetOf('weekly') });
      expect(((await refused.json()) as { error: { message: string } }).error.message).toMatch(/^The weekly budget of \$0\.10 that all callers share at this gateway is spent .* Write to finance@example\.com\.$/);
    }
  });

  it('is lifted by a reload, and set by one', async () => {
    await using world = await start(monthly);
    await world.spend(1_000, ['client:capped'], 1_000);
    expect((await world.ask('capped')).status).toBe(429);
    const reload = (budgets: readonly object[]): void => world.gateway.update(gatewayConfigSchema.parse({ clients: CLIENTS, budgets, anthropic_native: { base_url: world.upstream.origin, api_key: 'k' }, server: { port: 0 } }));
    reload([{ ...monthly, amount_cents: 2_000 }]);
    expect((await world.ask('capped')).status).toBe(200);
    reload([monthly]);
    expect((await world.ask('capped')).status).toBe(429);
    reload([]);
    expect(unified(await world.ask('capped'))).toHaveProperty('anthropic-ratelimit-requests-limit');
  });
});

describe('a request that waited', () => {
  it('is refused where the budget was spent by others before its body was whole', async () => {
    await using world = await start(monthly);
    const waiting = request(`${world.gateway.origin}/anthropic/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${KEYS.capped}`, expect: '100-continue' } });
    const answered = once(waiting, 'response') as Promise<[IncomingMessage]>;
    waiting.flushHeaders();
    // The gateway asks for the body once it has admitted the request.
    await once(waiting, 'continue');
    await world.spend(1_000, ['client:capped'], 1_000);
    waiting.end(JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 1, messages: [] }));
    const [answer] = await answered;
    answer.resume();
    expect([answer.statusCode, answer.headers['x-penstock-error'], world.upstream.requests.length]).toEqual([429, 'budget_spent', 0]);
  });
});

describe('routes that spend out of sight', () => {
  const routed = (routes: readonly string[] | undefined, budget: object = monthly): Promise<BudgetWorld> => startBudgetWorld({
    budgets: [budget], anthropic_native: { route_groups: ['messages', 'models', 'batches', 'agents'], allow_unknown_routes: true },
    clients: [{ ...CLIENTS[0], ...(routes === undefined ? {} : { routes }) }],
  });

  it.each([['/anthropic/v1/sessions', 'agents'], ['/anthropic/v1/something_new', 'unknown']])('%s is closed to a caller with a budget unless its routes name it', async (path, group) => {
    await using closed = await routed(undefined);
    const refused = await closed.ask('capped', path);
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining(`The \\"${group}\\" routes are not open to a caller with a budget`)]);
    await using open = await routed(['messages', group]);
    expect((await open.ask('capped', path)).status).toBe(200);
    await using warned = await routed(undefined, { ...monthly, stop: false });
    expect((await warned.ask('capped', path)).status).toBe(200);
  });

  it('message batches are open to a caller with a budget, but no path among them that is not known', async () => {
    await using world = await routed(['batches']);
    expect((await world.ask('capped', '/anthropic/v1/messages/batches')).status).toBe(200);
    const refused = await world.ask('capped', '/anthropic/v1/messages/batches/something_new/at_all');
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('This path of the \\"batches\\" routes is not open to a caller with a budget')]);
  });

  it('one that is named is refused when the budget is spent', async () => {
    await using world = await routed(['batches'], { ...monthly, amount_cents: 0 });
    expect((await world.ask('capped', '/anthropic/v1/messages/batches')).status).toBe(429);
    expect((await world.ask('capped', '/anthropic/v1/messages/batches', { method: 'GET', body: null })).status).toBe(200);
  });
});

describe('GET /api/oauth/usage', () => {
  it('shows the budgets of the caller, to the cent and the second of the header fields', () => withinOneDay(async () => {
    await using world = await start(monthly, { ...daily, amount_cents: 100_000 });
    await world.spend(410, ['client:capped'], 410);
    const answer = await world.ask('capped', '/anthropic/api/oauth/usage', { method: 'GET', body: null });
    expect([answer.status, answer.headers.get('cache-control'), answer.headers.get('content-type')]).toEqual([200, 'no-store', 'application/json']);
    const resets = (period: 'daily' | 'monthly'): string => new Date(Number(resetOf(period)) * 1_000).toISOString();
    expect(await answer.json()).toEqual({
      extra_usage: { is_enabled: true, monthly_limit: 1_000, used_credits: 410, utilization: 41, currency: 'USD' },
      limits: [
        { kind: 'spend', group: 'daily', percent: 0, resets_at: resets('daily'), severity: 'normal', is_active: false },
        { kind: 'spend', group: 'monthly', percent: 41, resets_at: resets('monthly'), severity: 'normal', is_active: true },
      ],
    });
    expect(unified(await world.ask('capped'))['reset']).toBe(resetOf('monthly'));
  }));

  it('shows a caller without budgets what it spent', async () => {
    await using world = await startBudgetWorld({});
    await world.spend(7, ['client:capped'], 7);
    expect(await world.usage()).toEqual({
      extra_usage: { is_enabled: true, monthly_limit: null, used_credits: 7, utilization: null, currency: 'USD' }, limits: [],
      daily: { limit: null, used_credits: 7, utilization: null }, weekly: { limit: null, used_credits: 7, utilization: null },
    });
  });

  it('is for callers alone, and read only', async () => {
    await using world = await start(monthly);
    const url = `${world.gateway.origin}/anthropic/api/oauth/usage`;
    expect((await fetch(url)).status).toBe(404);
    expect((await fetch(url, { headers: { authorization: 'Bearer unknown' } })).status).toBe(404);
    expect((await world.ask('capped', '/anthropic/api/oauth/usage')).status).toBe(405);
    expect(world.upstream.requests).toHaveLength(0);
  });
});
