import { expect, test } from 'vitest';
import { attemptLoad } from './config-folder.ts';

const CAP = { scope: { client: 'ci' }, share: 'each', amount_cents: 100 };
const KEYS = { ci: 'a'.repeat(64), n8n: 'b'.repeat(64) };
const clients = (ci: readonly string[], n8n: readonly string[] = ['messages']): object[] => [{ name: 'ci', key_sha256: KEYS.ci, routes: ci }, { name: 'n8n', key_sha256: KEYS.n8n, routes: n8n }];
const PERSONS = { identity: { issuers: [{ name: 'ci2', issuer: 'https://idp.example', audience: ['penstock'], require: { org: ['acme'] } }] } };

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
])('%s: the warnings of budgets are those', (_what, file, expected) => {
  expect(warningsOf(file)).toEqual(expected);
});
