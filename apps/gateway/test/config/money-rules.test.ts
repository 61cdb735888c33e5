import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { mergeReloaded } from '../../src/config/changes-between.ts';
import { describeConfig } from '../../src/config/describe-config.ts';
import { attemptLoad, problemsOf } from './config-folder.ts';

const KEY = 'an-admin-key-of-more-than-thirty-two-characters';
const OTHER = 'another-admin-key-of-more-than-thirty-two-chars';
const CLIENTS = [{ name: 'ci', key_sha256: 'a'.repeat(64) }, { name: 'n8n', key_sha256: 'b'.repeat(64) }];
const PERSONS = { policies: [{ name: 'everyone', match: {} }], identity: { issuers: [{ name: 'ci2', issuer: 'https://idp.example', audience: ['penstock'], require: { org: ['acme'] } }] } };
const BUDGET = { scope: { organization: true }, share: 'pooled', amount_cents: 50_000 };
const ofOne = (changes: object, rest: object = { clients: CLIENTS }): string[] => problemsOf({ file: { ...rest, budgets: [{ ...BUDGET, ...changes }] } });

describe('budgets in the configuration', () => {
  it('one person is one scope, in whichever form it is written', () => {
    const budgets = ['urn:mace:alice', 'sign_in:urn:mace:alice', 'ci2:deploy', 'sign_in:ci2:deploy'].map((user) => ({ ...BUDGET, scope: { user }, share: 'each' }));
    expect(problemsOf({ file: { ...PERSONS, budgets } })).toEqual(['budgets[1] must be of another scope, share or period than budgets[0], received the same: leave one of the two out']);
  });

  it('are monthly, warn at 75 % and 95 % and stop unless they say otherwise, and need a store', () => {
    const { config } = attemptLoad({ file: { budgets: [BUDGET] } });
    expect(config.budgets).toEqual([{ ...BUDGET, period: 'monthly', warn_at: [0.75, 0.95], stop: true }]);
    expect(config.state).toMatchObject({ store: expect.stringMatching(/^sqlite:\/.*penstock\.db$/) as string, on_failure: 'open' });
    expect(attemptLoad({ file: {} }).config.state.store).toBeUndefined();
  });

  it.each([
    [-1, 'budgets[0].amount_cents must be an integer from 0 to 922337203685, received -1'],
    [0.5, 'budgets[0].amount_cents must be an integer from 0 to 922337203685, received 0.5'],
    [922_337_203_686, 'budgets[0].amount_cents must be an integer from 0 to 922337203685, received 922337203686'],
    ['500', 'budgets[0].amount_cents must be an integer from 0 to 922337203685, received "500"'],
    [undefined, 'budgets[0].amount_cents must be an integer from 0 to 922337203685, received nothing'],
  ])('an amount of %j is refused', (amount, problem) => {
    expect(ofOne({ amount_cents: amount })).toEqual([problem]);
  });

  it.each([[{}], [{ client: 'ci', organization: true }]])('a scope has exactly one member: %j', (scope) => {
    expect(ofOne({ scope })).toEqual(['budgets[0].scope must be exactly one of client, user, group and organization, received an object']);
  });

  it.each([
    [{ share: 'all' }, 'budgets[0].share must be each or pooled'], [{ share: undefined }, 'budgets[0].share must be each or pooled'],
    [{ period: 'yearly' }, 'budgets[0].period must be one of daily, weekly, monthly'], [{ warn_at: [0] }, 'budgets[0].warn_at[0] must be a number above 0'],
    [{ warn_at: [1.5] }, 'budgets[0].warn_at[0] must be a number above 0'], [{ scope: { organization: 'acme' } }, 'budgets[0].scope.organization must be true'],
    [{ scope: { group: true } }, 'budgets[0].scope.group must be the name of a group'], [{ amount: 5 }, 'budgets[0].amount is not a known key'],
  ])('%j is refused', (changes, problem) => {
    expect(ofOne(changes)[0]).toContain(problem);
  });

  it('two of one scope, share and period are refused, the cure included', () => {
    const two = (changes: object): object => ({ file: { clients: CLIENTS, budgets: [BUDGET, { ...BUDGET, amount_cents: 7, ...changes }] } });
    expect(problemsOf(two({}))).toEqual(['budgets[1] must be of another scope, share or period than budgets[0], received the same: leave one of the two out']);
    for (const other of [{ period: 'weekly' }, { share: 'each' }, { scope: { client: 'ci' }, share: 'each' }]) expect(() => attemptLoad(two(other))).not.toThrow();
  });

  it('only a group or the organization can share an amount', () => {
    expect(ofOne({ scope: { client: 'ci' } })).toEqual(['budgets[0].share must be "each" for a client, received "pooled": a group or the organization can share one amount']);
  });

  it('a client must exist, and persons need an issuer', () => {
    expect(ofOne({ scope: { client: 'n8' }, share: 'each' })).toEqual(['budgets[0].scope.client must be true or one of ci, n8n, received "n8": did you mean "n8n"?']);
    expect(ofOne({ scope: { client: 'ci' }, share: 'each' }, {})).toEqual(['budgets[0].scope.client must be true or one of anonymous, received "ci"']);
    expect(ofOne({ scope: { user: 'bob' }, share: 'each' })[0]).toContain('budgets[0].scope.user must be absent where there are no persons');
    expect(() => attemptLoad({ file: { ...PERSONS, budgets: [{ ...BUDGET, scope: { user: 'bob' }, share: 'each' }, { ...BUDGET, scope: { group: 'eng' } }] } })).not.toThrow();
  });

  it('a reload cannot add budgets to a gateway that was started without a store', () => {
    const before = attemptLoad({ file: {} });
    const after = attemptLoad({ file: { budgets: [BUDGET] } });
    expect(() => mergeReloaded(before.config, after.config, before)).toThrow(/budgets must be empty while state\.store is absent.*restart it/);
    const withStore = attemptLoad({ file: { state: { store: 'postgres://db.example/penstock' } } });
    expect(mergeReloaded(withStore.config, after.config, withStore).budgets).toHaveLength(1);
  });
});

describe('administration in the configuration', () => {
  const admin = (fields: object, rest: object = {}): string[] => problemsOf({ file: { admin: fields, ...rest } });

  it('its keys are long, never shown, and need a store', () => {
    expect(admin({ write_keys: ['short'] })).toEqual(['admin.write_keys[0] must be a key of at least 32 printable characters without spaces, received a string (hidden)']);
    const { config } = attemptLoad({ file: { admin: { write_keys: [KEY], read_keys: [OTHER] } } });
    expect(config.state.store).toMatch(/^sqlite:/);
    expect(JSON.stringify(describeConfig(config))).not.toMatch(/admin-key/);
  });

  it('no key has two rights, nor is it that of a client or of the page', () => {
    expect(admin({ write_keys: [KEY], read_keys: [KEY] })).toEqual(['admin.read_keys[0] must be other than admin.write_keys[0], received the same key']);
    expect(admin({ write_keys: [KEY] }, { operations: { token: KEY } })).toEqual(['admin.write_keys[0] must be other than operations.token, received the same key']);
    const clients = [{ name: 'ci', key_sha256: createHash('sha256').update(KEY).digest('hex') }];
    expect(admin({ read_keys: [KEY] }, { clients })[0]).toContain('admin.read_keys[0] must be other than the key of clients[0]');
  });

  it('groups need persons, and a message is one line', () => {
    expect(admin({ groups: ['admins'] })[0]).toContain('admin.groups must be empty where there are no persons');
    expect(() => attemptLoad({ file: { ...PERSONS, admin: { groups: ['admins'] } } })).not.toThrow();
    expect(admin({ blocked_message: 'a\nb' })[0]).toContain('admin.blocked_message must be one line');
  });
});
