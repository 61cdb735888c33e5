import { expect, test } from 'vitest';
import { attemptLoad } from './config-folder.ts';

const CAP = { scope: { client: 'ci' }, share: 'each', amount_cents: 100 };
const KEYS = { ci: 'a'.repeat(64), n8n: 'b'.repeat(64) };
const clients = (ci: readonly string[], n8n: readonly string[] = ['messages']): object[] => [{ name: 'ci', key_sha256: KEYS.ci, routes: ci }, { name: 'n8n', key_sha256: KEYS.n8n, routes: n8n }];
const PERSONS = { identity: { issuers: [{ name: 'ci2', issuer: 'https://idp.example', audience: ['penstock'], require: { org: ['acme'] } }] } };
const SIGN_IN = { public_url: 'https://claude.example', session_keys: ['a-session-secret-of-more-than-32-characters'], oidc: { issuer: 'https://idp.example', client_id: 'penstock' } };
const SIGNED_IN = { policies: [{ name: 'staff', match: {} }], identity: { sign_in: SIGN_IN } };
const UNCLEAR = 'budgets[0].scope.user begins with no name of identity.issuers, so that it is the subject of a person who signs in here';

const AGENTS = { anthropic_native: { api_key: `sk-ant-api03-${'k'.repeat(40)}`, route_groups: ['messages', 'batches', 'agents'] } };

function warningsOf(file: object): readonly string[] {
  const { warnings } = attemptLoad({ file: { anthropic_native: { api_key: `sk-ant-api03-${'k'.repeat(40)}` }, ...file } });
  return warnings.filter((warning) => warning.includes('budget'));
}

test.each<[string, object, readonly string[]]>([
  ['a client with a budget and routes that name message batches, which are charged', { clients: clients(['messages', 'batches']), budgets: [CAP] }, []],
  ['a client with a budget and routes that name agents', { ...AGENTS, clients: clients(['messages', 'agents']), budgets: [CAP] }, ['client ci has a budget, and routes that name agents: what its requests there spend is not counted, so that no budget stops it']],
  ['a client that the budget of all callers holds for', { ...AGENTS, clients: clients(['messages'], ['agents']), budgets: [{ ...CAP, scope: { organization: true }, share: 'pooled' }] }, ['client n8n has a budget, and routes that name agents: what its requests there spend is not counted, so that no budget stops it']],
  ['a client of another name than the budget\'s', { ...AGENTS, clients: clients(['messages'], ['agents']), budgets: [CAP] }, []],
  ['a budget that only warns', { ...AGENTS, clients: clients(['agents']), budgets: [{ ...CAP, stop: false }] }, []],
  ['no budget', { ...AGENTS, clients: clients(['agents']) }, []],
  ['a group that is not served', { clients: clients(['agents', 'unknown']), budgets: [CAP] }, []],
  ['groups of the front door', { clients: clients(['front_door_batches']), budgets: [CAP], openai_front_door: { route_groups: ['front_door', 'front_door_batches'], backends: [{ name: 'o', kind: 'openai', base_url: 'http://127.0.0.1:9/v1' }] } }, ['client ci has a budget, and routes that name front_door_batches: what its requests there spend is not counted, so that no budget stops it']],
  ['a policy, where persons have budgets', { ...PERSONS, ...AGENTS, policies: [{ name: 'staff', match: { issuer: 'ci2' }, routes: ['messages', 'agents'] }], budgets: [{ ...CAP, scope: { user: true } }] }, ['policy staff has a budget, and routes that name agents: what its requests there spend is not counted, so that no budget stops it']],
  ['a user that begins with an issuer, with sign_in, or has no colon', { ...PERSONS, policies: [{ name: 'staff', match: {} }], budgets: ['ci2:deploy', 'sign_in:urn:a', 'alice', true].map((user) => ({ ...CAP, scope: { user } })) }, []],
  ['a user that begins with no issuer', { ...PERSONS, policies: [{ name: 'staff', match: {} }], budgets: [{ ...CAP, scope: { user: 'cl2:deploy' } }] }, [`${UNCLEAR}: without identity.sign_in this budget holds for no person`]],
  ['a user that begins with no issuer, where persons sign in', { ...SIGNED_IN, budgets: [{ ...CAP, scope: { user: 'urn:mace:alice' } }] }, [`${UNCLEAR}. Write sign_in: before it if that is meant`]],
])('%s: the warnings of budgets are those', (_what, file, expected) => {
  expect(warningsOf(file)).toEqual(expected);
});
