import { openSqliteDatabase } from '@penstock/claude-code-gateway';
import { migrate } from '@penstock/claude-code-gateway/store';
import { describe, expect, it } from 'vitest';
import type { Budget } from '../../../src/access/budgets/budget-book.ts';
import { followLimits } from '../../../src/access/spend-limits/live-limits.ts';
import { readChange } from '../../../src/access/spend-limits/read-change.ts';
import { createSpendLimitStore, SPEND_LIMITS_MIGRATIONS, SPEND_LIMITS_PREFIX, type SpendLimitStore } from '../../../src/access/spend-limits/spend-limit-store.ts';
import type { SpendLimitChange } from '../../../src/access/spend-limits/spend-limit.ts';

const BY = { actor: 'admin-key:0123', reason: undefined };
const ALICE: SpendLimitChange = { scopeType: 'user', scopeId: 'alice', period: 'monthly', cents: 500, pooled: undefined };

async function open(now = () => 1_000): Promise<SpendLimitStore> {
  const store = createSpendLimitStore(openSqliteDatabase(':memory:'), now);
  await store.prepare();
  return store;
}

describe('limits in the store', () => {
  it('one scope and period has one limit, which keeps its id and creation', async () => {
    let now = 1_000;
    const store = await open(() => now);
    const first = await store.upsert(ALICE, BY);
    now = 2_000;
    const second = await store.upsert({ ...ALICE, cents: undefined }, BY);
    expect(second).toMatchObject({ id: first?.id, createdAt: 1_000, updatedAt: 2_000, cents: undefined });
    await store.upsert({ ...ALICE, period: 'daily' }, BY);
    expect((await store.list()).map(({ period }) => period)).toEqual(['monthly', 'daily']);
  });

  it('every change and no other is one line of the audit, with what was before and after', async () => {
    const store = await open();
    const made = await store.upsert(ALICE, { ...BY, reason: 'a new colleague' });
    await store.upsert({ ...ALICE, cents: 700 }, BY);
    await store.remove(made?.id ?? '', BY);
    expect(await store.remove(made?.id ?? '', BY)).toBeUndefined();
    const lines = await store.audit(10, undefined);
    expect(lines.map(({ id, action, before, after, reason }) => [id, action, amountOf(before), amountOf(after), reason])).toEqual([
      [3, 'spend_limit.delete', '700', undefined, undefined], [2, 'spend_limit.upsert', '500', '700', undefined], [1, 'spend_limit.upsert', undefined, '500', 'a new colleague'],
    ]);
    expect((await store.audit(10, 2)).map(({ id }) => id)).toEqual([1]);
    expect(await store.version()).toBe(3);
  });

  it('a line of the audit has an id that no line had before, also where those lines are gone, and one that an earlier release wrote counts', async () => {
    const database = openSqliteDatabase(':memory:');
    await migrate(database, SPEND_LIMITS_MIGRATIONS.slice(0, 1), SPEND_LIMITS_PREFIX);
    await database.run([{ sql: "INSERT INTO admin_audit (id, created_at, actor, action, target_id) VALUES (7, 1000, 'admin-key:0123', 'spend_limit.upsert', 'spl_1')", values: [] }]);
    const store = createSpendLimitStore(database, () => 1_000);
    await store.prepare();
    await store.upsert(ALICE, BY);
    await store.upsert({ ...ALICE, cents: 700 }, BY);
    expect((await store.audit(10, undefined)).map(({ id }) => id)).toEqual([9, 8, 7]);
    await database.run([{ sql: 'DELETE FROM admin_audit', values: [] }]);
    const version = await store.version();
    await store.upsert({ ...ALICE, cents: 900 }, BY);
    expect((await store.audit(10, undefined)).map(({ id }) => id)).toEqual([10]);
    expect(await store.version()).toBeGreaterThan(version);
  });

  it('lines that processes of an earlier release write beside or after this one have ids between, keep nothing from being set, and each is a new version', async () => {
    const database = openSqliteDatabase(':memory:');
    const store = createSpendLimitStore(database, () => 1_000);
    await store.prepare();
    await store.upsert(ALICE, BY);
    const versions = [await store.version()];
    for (const cents of [600, 700]) {
      const overtaken = store.upsert({ ...ALICE, cents: 100 + cents }, BY);
      await store.upsert({ ...ALICE, cents }, BY);
      await overtaken;
      versions.push(await store.version());
      await database.run([{ sql: "INSERT INTO admin_audit (id, created_at, actor, action, target_id) SELECT (SELECT MAX(id) + 1 FROM admin_audit), 1000, 'admin-key:0123', 'spend_limit.upsert', 'spl_1'", values: [] }]);
      versions.push(await store.version());
    }
    const made = await store.upsert({ ...ALICE, cents: 800 }, BY);
    await store.remove(made?.id ?? '', BY);
    versions.push(await store.version());
    expect(versions).toEqual([1, 3, 4, 6, 7, 9]);
    expect((await store.audit(10, undefined)).map(({ id }) => id)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it('changes of one limit at once all take place, one after another', async () => {
    const store = await open();
    await Promise.all([1, 2, 3].map((cents) => store.upsert({ ...ALICE, cents }, BY)));
    expect(await store.list()).toHaveLength(1);
    const lines = await store.audit(10, undefined);
    expect(lines).toHaveLength(3);
    expect(lines.map(({ before }) => amountOf(before))).toEqual([amountOf(lines[1]?.after), amountOf(lines[2]?.after), undefined]);
  });

  it('lose lines of the audit after a year, and none by the clock of one process that is years ahead', async () => {
    const days = 86_400_000;
    const today = Date.now();
    let now = today - 400 * days;
    const store = await open(() => now);
    const change = async (times: number): Promise<readonly number[]> => {
      for (let time = 0; time < times; time += 1) await store.upsert({ ...ALICE, cents: time }, BY);
      return (await store.audit(100, undefined)).map(({ id }) => id);
    };
    await change(2);
    now = today;
    expect(await change(9)).toHaveLength(11);
    expect((await change(1)).at(-1)).toBe(3);
    now = today + 3_650 * days;
    expect((await change(20)).at(-1)).toBe(3);
  });

  it('are read by who follows them, pooled and paused ones included', async () => {
    const store = await open();
    const seen: (readonly Budget[])[] = [];
    const live = followLimits(store, (budgets) => void seen.push(budgets), { pollMs: 60_000 });
    await live.refresh();
    await store.upsert({ scopeType: 'rbac_group', scopeId: 'eng', period: 'monthly', cents: undefined, pooled: { cents: 9_000, paused: false } }, BY);
    await live.refresh();
    await live.refresh();
    await store.upsert({ scopeType: 'rbac_group', scopeId: 'eng', period: 'monthly', cents: 5, pooled: { cents: 9_000, paused: true } }, BY);
    await live.refresh();
    live.close();
    expect(seen.map((budgets) => budgets.map(({ kind, name, share, nanoDollars }) => [kind, name, share, nanoDollars]))).toEqual([
      [], [['group', 'eng', 'each', undefined], ['group', 'eng', 'pooled', 90_000_000_000n]], [['group', 'eng', 'each', 50_000_000n]],
    ]);
  });
});

describe('the body that sets a limit', () => {
  const read = (body: unknown): unknown => readChange(typeof body === 'string' ? body : JSON.stringify(body), { issuers: [] });
  const user = { type: 'user', user_id: 'alice' };

  it('is monthly unless it says otherwise, loses leading zeros, and may hold keys that are not known', () => {
    expect(read({ scope: user, amount: '00500', notes: 1 })).toEqual({ ok: true, reason: undefined, change: { ...ALICE } });
    expect(read({ scope: { type: 'organization' }, amount: null, period: 'weekly' })).toMatchObject({ change: { scopeType: 'organization', scopeId: '', cents: undefined, period: 'weekly' } });
    expect(read({ scope: { type: 'rbac_group', rbac_group_id: 'eng' }, amount: null, pooled_budget: { amount: '7', paused: true } })).toMatchObject({ change: { pooled: { cents: 7, paused: true } } });
  });

  it.each([
    ['amount', { scope: user, amount: 500 }], ['amount', { scope: user, amount: '5.5' }], ['amount', { scope: user, amount: '-5' }], ['amount', { scope: user }], ['amount', { scope: user, amount: '922337203686' }],
    ['scope', { amount: '5' }], ['scope.type', { scope: { type: 'team' }, amount: '5' }], ['scope.user_id', { scope: { type: 'user' }, amount: '5' }], ['scope.user_id', { scope: { type: 'user', user_id: '' }, amount: '5' }],
    ['period', { scope: user, amount: '5', period: 'yearly' }], ['currency', { scope: user, amount: '5', currency: 'EUR' }],
    ['pooled_budget', { scope: user, amount: '5', pooled_budget: { amount: '5' } }],
    ['pooled_budget', { scope: { type: 'rbac_group', rbac_group_id: 'eng' }, amount: '5', period: 'daily', pooled_budget: { amount: '5' } }],
    ['scope.user_id', { scope: { type: 'user', user_id: 'a\0' }, amount: '5' }], ['scope.client_id', { scope: { type: 'client', client_id: '\ud800' }, amount: '5' }], ['reason', { scope: user, amount: '5', reason: 'a\udc00' }],
    ['The request body', []], ['The request body', 'no JSON'],
  ])('names %s as what is wrong with %j', (field, body) => {
    expect(read(body)).toMatchObject({ ok: false, message: expect.stringMatching(new RegExp(`^${field} must`)) as string });
  });
});

function amountOf(text: string | undefined): unknown {
  return text === undefined ? undefined : (JSON.parse(text) as { readonly amount: unknown }).amount;
}
