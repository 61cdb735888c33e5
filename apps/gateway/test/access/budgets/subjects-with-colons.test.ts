// URL and URN subjects, which identity federations give: a configuration, a request of an administrator and an earlier release write them without `sign_in:`.
import { openSqliteDatabase } from '@penstock/claude-code-gateway/store';
import { expect, test } from 'vitest';
import { budgetsOfConfig } from '../../../src/access/budgets/budget-book.ts';
import { createBudgets } from '../../../src/access/budgets/budgets.ts';
import { principalKey, type Person } from '../../../src/access/identity/principal.ts';
import { principalId, userIdOf } from '../../../src/access/identity/principal-id.ts';
import { listLimits, setLimit } from '../../../src/access/spend-limits/serve-spend-limits.ts';
import { budgetsOfLimit, type SpendLimitChange } from '../../../src/access/spend-limits/spend-limit.ts';
import { createSpendLimitStore } from '../../../src/access/spend-limits/spend-limit-store.ts';
import type { GatewayConfig } from '../../../src/config/gateway-config.ts';
import { createLedger } from '../../../src/ledger/create-ledger.ts';
import { attemptLoad } from '../../config/config-folder.ts';
import { cents } from './spend-of-tests.ts';

const ALICE: Person = { kind: 'person', issuer: 'sign_in', subject: 'urn:mace:alice', groups: [] };
const OF_ISSUER: Person = { ...ALICE, issuer: 'urn', subject: 'mace:alice' };
const LIMIT: SpendLimitChange = { scopeType: 'user', scopeId: 'urn:mace:alice', period: 'monthly', cents: 7, pooled: undefined };
const BY = { actor: 'admin-key:0123', reason: undefined };
const WRITER = { actor: 'admin-key:0123', right: 'write' } as const;

function configOf(users: readonly string[], ...issuers: readonly string[]): GatewayConfig {
  const file = {
    policies: [{ name: 'everyone', match: {} }],
    identity: { issuers: ['ci', ...issuers].map((name) => ({ name, issuer: `https://${name}.example`, audience: ['penstock'], require: { org: ['acme'] } })) },
    budgets: users.map((user) => ({ scope: { user }, share: 'each', amount_cents: 5 })),
  };
  return attemptLoad({ file }).config;
}

function amountsOf(budgets: ReturnType<typeof createBudgets>, person: Person): readonly (bigint | undefined)[] {
  return budgets.gate.book.resolve(person).map(({ nanoDollars }) => nanoDollars);
}

test('a budget and a stored limit whose user has a colon hold for the person of sign-in, until an issuer has the name before it', () => {
  for (const users of [['urn:mace:alice'], ['sign_in:urn:mace:alice'], []]) {
    const budgets = createBudgets(configOf(users), createLedger());
    if (users.length === 0) budgets.setLive(budgetsOfLimit({ id: 'spl_1', ...LIMIT }));
    const expected = users.length === 0 ? [cents(7)] : [cents(5)];
    expect(amountsOf(budgets, ALICE)).toEqual(expected);
    expect(budgets.accountOf(principalKey(ALICE), 'everyone', ALICE)).toBeDefined();
    budgets.update(configOf(users, 'urn'));
    const isOfIssuer = users[0] !== 'sign_in:urn:mace:alice';
    expect([amountsOf(budgets, ALICE), amountsOf(budgets, OF_ISSUER)]).toEqual(isOfIssuer ? [[], expected] : [expected, []]);
    budgets.update(configOf(users));
    expect(amountsOf(budgets, ALICE)).toEqual(expected);
  }
});

test('a limit that an earlier release stored is the one that is changed, in either form; of two that are stored the one with the id of the person holds', async () => {
  await using database = disposable(openSqliteDatabase(':memory:'));
  const store = createSpendLimitStore(database.value);
  await store.prepare();
  const serving = { store, identity: () => ({ issuers: [] }), ofConfiguration: () => budgetsOfConfig([], { issuers: [] }), changed: async () => undefined };
  const set = async (user: string, amount: string): Promise<object> => setLimit(serving, JSON.stringify({ scope: { type: 'user', user_id: user }, amount }), WRITER);
  const { id } = await store.upsert(LIMIT, BY) ?? expect.fail('not set');
  expect(await set('urn:mace:alice', '8')).toMatchObject({ id, amount: '8' });
  expect(await set('sign_in:urn:mace:alice', '9')).toMatchObject({ id, amount: '9' });
  expect(await set('urn:mace:bob', '9')).toMatchObject({ scope: { user_id: 'sign_in:urn:mace:bob' } });
  expect(await listLimits(serving, new URLSearchParams())).toMatchObject({ data: [{ id }, {}], has_more: false });
  await store.upsert({ ...LIMIT, scopeId: principalId(ALICE), cents: 3 }, BY);
  expect(await set('urn:mace:alice', '4')).not.toMatchObject({ id });
  const budgets = createBudgets(configOf([]), createLedger());
  budgets.setLive((await store.list()).flatMap(budgetsOfLimit));
  expect(amountsOf(budgets, ALICE)).toEqual([cents(4)]);
});

test('the id that reports show of a person is that person where it is written, also one that was shortened', () => {
  const identity = { issuers: [{ name: 'urn' }] };
  const persons = [ALICE, OF_ISSUER, ...['x', 'n:', 'sign_in:', 'client:', '\0', `#${'x'.repeat(43)}`].flatMap((text) => [1, 300].flatMap((times) => [ALICE, OF_ISSUER].map((of): Person => ({ ...of, subject: text.repeat(times) }))))];
  const ids = persons.map(principalId);
  expect(ids.map((id) => userIdOf(id, identity))).toEqual(ids);
  expect(ids.filter((id) => id.length > 128).length).toBeGreaterThan(5);
});

function disposable<Value extends { close(): Promise<void> }>(value: Value): AsyncDisposable & { readonly value: Value } {
  return { value, [Symbol.asyncDispose]: () => value.close() };
}
