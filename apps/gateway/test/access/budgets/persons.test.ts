// Budgets and administration of persons: by the groups that their tokens name.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AUDIENCE, createSigningKey, goodClaims, signToken, startOpenIdProvider, type OpenIdProvider, type SigningKey } from '../identity/openid-provider.ts';
import { startBudgetWorld, type BudgetWorld } from './budget-world.ts';

const PATH = '/v1/organizations/spend_limits';
const ADMIN_KEY = 'write-key-of-an-administrator-0123456789';

let provider: OpenIdProvider;
let key: SigningKey;
beforeAll(async () => {
  key = await createSigningKey('one', 'ES256');
  provider = await startOpenIdProvider([key]);
});
afterAll(() => provider.close());

const persons = (rest: object): object => ({
  policies: [{ name: 'everyone', match: {} }],
  identity: { issuers: [{ name: 'idp', issuer: provider.issuer, audience: [AUDIENCE], require: { owner: ['acme'] }, claims: { subject: 'sub', groups: 'groups' } }] }, ...rest,
});
const start = (rest: object): Promise<BudgetWorld> => startBudgetWorld(persons(rest) as Parameters<typeof startBudgetWorld>[0]);
const fieldsOf = async (subject: string, ...groups: readonly string[]): Promise<Record<string, string>> =>
  ({ 'content-type': 'application/json', authorization: `Bearer ${await signToken(key, goodClaims(provider.issuer, { sub: subject, groups }))}` });
const ask = async ({ gateway }: BudgetWorld, subject: string, ...groups: readonly string[]): Promise<Response> =>
  fetch(`${gateway.origin}/anthropic/v1/messages`, { method: 'POST', headers: await fieldsOf(subject, ...groups), body: '{"model":"claude-haiku-4-5","max_tokens":1,"messages":[]}' });
const statusOf = async (world: BudgetWorld, subject: string, ...groups: readonly string[]): Promise<number> => (await ask(world, subject, ...groups)).status;

describe('budgets of a group', () => {
  it('are each member\'s own, and end with the membership', async () => {
    await using world = await start({ budgets: [{ scope: { group: 'eng' }, share: 'each', amount_cents: 10 }] });
    await world.spend(10, ['user:idp:alice', 'client:capped'], 10);
    await vi.waitUntil(async () => (await statusOf(world, 'alice', 'eng')) === 429, { timeout: 60_000 });
    expect(await statusOf(world, 'bob', 'eng')).toBe(200);
    expect(await statusOf(world, 'alice', 'sales')).toBe(200);
  });

  it('that are shared block all members, with the scope that Claude Code shows', async () => {
    await using world = await start({ budgets: [{ scope: { group: 'eng' }, share: 'pooled', amount_cents: 10 }] });
    await world.spend(10, ['group:eng', 'client:capped'], 10);
    const refused = await ask(world, 'bob', 'eng');
    expect([refused.status, refused.headers.get('anthropic-ratelimit-unified-overage-scope')]).toEqual([429, 'group_pool']);
    expect(await statusOf(world, 'carol')).toBe(200);
    expect(world.gateway.conditions()).toMatchObject({ 'budget_group eng_monthly': { cause: 'budget_spent', party: 'group eng' } });
  });
});

describe('a limit that was set for a group', () => {
  it('holds for its members, although the configuration names no group', async () => {
    await using world = await start({ admin: { write_keys: [ADMIN_KEY] } });
    const set = await world.gateway.administer?.({ method: 'POST', path: PATH, query: '', rawHeaders: ['x-api-key', ADMIN_KEY], body: '{"scope":{"type":"rbac_group","rbac_group_id":"eng"},"amount":"0"}' });
    expect(set?.status).toBe(200);
    expect([await statusOf(world, 'alice', 'eng'), await statusOf(world, 'bob', 'sales')]).toEqual([429, 200]);
  });
});

describe('administration by persons', () => {
  it('is for the groups that the configuration names, and the audit has who it was', async () => {
    await using world = await start({ admin: { groups: ['finance'] } });
    const administer = async (subject: string, ...groups: readonly string[]): Promise<number> => {
      const answer = await world.gateway.administer?.({ method: 'POST', path: PATH, query: '', rawHeaders: Object.entries(await fieldsOf(subject, ...groups)).flat(), body: '{"scope":{"type":"user","user_id":"idp:bob"},"amount":"0"}' });
      return answer?.status ?? 0;
    };
    expect([await administer('alice', 'eng'), await administer('mallory'), await administer('fiona', 'finance')]).toEqual([401, 401, 200]);
    const audit = await world.gateway.administer?.({ method: 'GET', path: `${PATH}/audit`, query: '', rawHeaders: Object.entries(await fieldsOf('fiona', 'finance')).flat(), body: '' });
    expect(JSON.parse(audit?.body ?? '{}')).toMatchObject({ data: [{ actor: 'oidc:idp:fiona' }] });
    expect(await statusOf(world, 'bob')).toBe(429);
  });
});
