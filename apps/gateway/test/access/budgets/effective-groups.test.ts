// The list of what holds for each caller shows the limits that block, and none that may be wrong.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { AUDIENCE, createSigningKey, goodClaims, signToken, startOpenIdProvider, type OpenIdProvider, type SigningKey } from '../identity/openid-provider.ts';
import type { ConfigDocument, TestGateway } from '../../start-test-gateway.ts';
import { startBudgetWorld } from './budget-world.ts';

const PATH = '/v1/organizations/spend_limits';
const ADMIN_KEY = 'write-key-of-an-administrator-0123456789';
const QUERY = 'period[]=monthly&user_ids[]=idp:alice';
interface Row { readonly amount: string | null; readonly source: string | null; readonly groups: readonly string[] | null; readonly spend_limit_id: string | null }

let provider: OpenIdProvider;
let key: SigningKey;

beforeAll(async () => {
  key = await createSigningKey('one', 'ES256');
  provider = await startOpenIdProvider([key]);
});
afterAll(() => provider.close());

const documentOf = (): ConfigDocument => ({
  policies: [{ name: 'everyone', match: { issuer: 'idp' } }], admin: { write_keys: [ADMIN_KEY] },
  budgets: [{ scope: { group: 'eng' }, share: 'each', amount_cents: 10 }, { scope: { organization: true }, share: 'each', amount_cents: 99_999 }],
  identity: { issuers: [{ name: 'idp', issuer: provider.issuer, audience: [AUDIENCE], require: { owner: ['acme'] }, claims: { subject: 'sub', groups: 'groups' } }] },
});

async function call(gateway: TestGateway, groups: readonly string[] = ['eng']): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${await signToken(key, goodClaims(provider.issuer, { sub: 'alice', name: 'Alice', groups }))}` };
  const answer = await fetch(`${gateway.origin}/anthropic/v1/messages`, { method: 'POST', headers, body: '{"model":"claude-haiku-4-5","max_tokens":1,"messages":[]}' });
  await answer.text();
  expect(answer.status).toBe(200);
}

async function effective(gateway: TestGateway, query = QUERY): Promise<readonly Row[]> {
  const answer = await gateway.administer?.({ method: 'GET', path: `${PATH}/effective`, query, rawHeaders: ['x-api-key', ADMIN_KEY], body: '' });
  return (JSON.parse(answer?.body ?? '{}') as { data: readonly Row[] }).data;
}

const setLimit = (gateway: TestGateway, body: object) => gateway.administer?.({ method: 'POST', path: PATH, query: '', rawHeaders: ['x-api-key', ADMIN_KEY], body: JSON.stringify(body) });

test('effective limits: a member of a group has the limit of the group, also after another limit was set', async () => {
  await using world = await startBudgetWorld(documentOf());
  const { gateway } = world;
  await call(gateway);
  const ofGroup = { amount: '10', source: 'rbac_group', groups: ['eng'] };
  expect(await effective(gateway)).toMatchObject([ofGroup]);
  expect(await setLimit(gateway, { scope: { type: 'user', user_id: 'idp:bob' }, amount: '7' })).toMatchObject({ status: 200 });
  expect(await effective(gateway)).toMatchObject([ofGroup]);
});

const OF_GROUP = { amount: '10', source: 'rbac_group', groups: ['eng'] };
const WAIT = { timeout: 60_000, interval: 50 };

test('effective limits: of a person whose token no process saw no limit is shown that groups may change, and one that they do not change is', async () => {
  await using world = await startBudgetWorld(documentOf());
  const other = await world.startOther();
  expect(await effective(other)).toMatchObject([{ amount: null, source: 'unknown', groups: null, spend_limit_id: null }]);
  expect(await effective(other, 'period[]=daily&user_ids[]=idp:alice')).toMatchObject([{ amount: null, source: null, groups: null }]);
  await setLimit(other, { scope: { type: 'user', user_id: 'idp:alice' }, amount: '7' });
  expect(await effective(other)).toMatchObject([{ amount: '7', source: 'user', groups: null }]);
  await vi.waitFor(async () => { expect(await effective(world.gateway)).toMatchObject([{ amount: '7', source: 'user', groups: null }]); }, WAIT);
});

test('effective limits: groups of a person are known to a process that did not see the token, to one that starts later, and as the latest token has them', async () => {
  await using world = await startBudgetWorld(documentOf());
  const other = await world.startOther();
  await call(world.gateway);
  await vi.waitFor(async () => { expect(await effective(other)).toMatchObject([OF_GROUP]); }, WAIT);
  // Spending of another process is known a moment after its persons.
  await vi.waitFor(async () => { expect(await effective(other, 'period[]=monthly&q=ALICE')).toMatchObject([OF_GROUP]); }, WAIT);
  const later = await world.startOther();
  expect(await effective(later)).toMatchObject([{ ...OF_GROUP, actor: { name: 'Alice' } }]);
  await vi.waitFor(async () => { expect(await effective(later, 'period[]=monthly')).toMatchObject([{ ...OF_GROUP, actor: { name: 'Alice' } }]); }, WAIT);
  // The person left the group, and was at the other process.
  await call(other, []);
  const ofOrganization = { amount: '99999', source: 'organization', groups: [] };
  expect(await effective(other)).toMatchObject([ofOrganization]);
  for (const one of [world.gateway, later]) await vi.waitFor(async () => { expect(await effective(one)).toMatchObject([ofOrganization]); }, WAIT);
});
