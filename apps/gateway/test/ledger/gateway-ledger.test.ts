// The ledger of a gateway that serves: what requests over sockets leave in the store.
import { openSqliteDatabase, type SqlDatabase } from '@penstock/claude-code-gateway/store';
import { answerAlways, startScriptedUpstream, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { utcDayOf } from '../../src/ledger/ledger-entry.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import { readUsage, type UsageRow } from '../../src/ledger/usage/read-usage.ts';
import type { UsageKey } from '../../src/ledger/usage/usage-query.ts';
import { AUDIENCE, createSigningKey, goodClaims, signToken, startOpenIdProvider } from '../access/identity/openid-provider.ts';
import { startTestGateway } from '../start-test-gateway.ts';
import { madeEntry } from './made-entries.ts';
import { shaky } from './shaky-database.ts';

const MODEL = 'claude-haiku-4-5';
/** $1 and $5 a million tokens: 1,000 and 500 of them cost $0.0035. */
const ANSWER = JSON.stringify({
  id: 'msg_1', type: 'message', role: 'assistant', model: MODEL, content: [{ type: 'text', text: 'hi' }], stop_reason: 'end_turn', stop_sequence: null,
  usage: { input_tokens: 1_000, output_tokens: 500, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
});
const BODY = JSON.stringify({ model: MODEL, max_tokens: 600, messages: [{ role: 'user', content: 'hi' }] });
const CLIENTS = ['alice', 'bob'].map((name) => ({ name, key_sha256: hashClientKey(`key-of-${name}`) }));
const WAIT = { timeout: 60_000 };

const startUpstream = (): Promise<ScriptedUpstream> => startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], ANSWER)));

async function rowsBy(database: SqlDatabase, by: UsageKey): Promise<readonly Partial<UsageRow>[]> {
  const today = utcDayOf(Date.now());
  const { rows } = await readUsage(database, { by, sinceDay: today - 1, untilDay: today });
  return rows;
}

async function post(url: string, credential: string): Promise<number> {
  const response = await fetch(url, { method: 'POST', body: BODY, headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' } });
  await response.arrayBuffer();
  return response.status;
}

/** A database that a gateway closes, and the test goes on to read. */
const kept = (database: SqlDatabase): SqlDatabase => ({ run: (statements) => database.run(statements), close: () => Promise.resolve() });

test('ledger: requests of both sides are in the store when the gateway has ended, by client, model and day', async () => {
  await using upstream = await startUpstream();
  const database = openSqliteDatabase(':memory:');
  const gateway = await startTestGateway(upstream.origin, { clients: CLIENTS, state: { flush_interval: 60 } }, { database: kept(database) });
  expect(await post(`${gateway.anthropic}/v1/messages`, 'key-of-alice')).toBe(200);
  expect(await post(`${gateway.anthropic}/v1/messages`, 'key-of-bob')).toBe(200);
  expect(await post(`${gateway.origin}/v1/chat/completions`, 'key-of-alice')).toBe(200);
  await gateway.recorded(3);
  expect(await gateway.series('penstock_ledger_pending_requests')).toBe(3);
  await gateway.drain();
  expect(await rowsBy(database, 'client')).toMatchObject([
    { name: 'alice', requests: 2, estimated_requests: 0, input_tokens: 2_000, output_tokens: 1_000, cost_usd: '0.007000000' },
    { name: 'bob', requests: 1, input_tokens: 1_000, output_tokens: 500, cost_usd: '0.003500000' },
  ]);
  expect(await rowsBy(database, 'model')).toMatchObject([{ name: MODEL, requests: 3, cost_usd: '0.010500000' }]);
});

test('ledger: a person counts under its principal and each of its groups that the configuration names, with its address', async () => {
  const key = await createSigningKey('one', 'ES256');
  await using provider = await startOpenIdProvider([key]);
  await using upstream = await startUpstream();
  const database = openSqliteDatabase(':memory:');
  const gateway = await startTestGateway(upstream.origin, {
    identity: { issuers: [{ name: 'idp', issuer: provider.issuer, audience: [AUDIENCE], require: { owner: ['acme'] }, claims: { email: 'email', groups: 'groups' } }] },
    policies: [{ name: 'engineers', match: { issuer: 'idp', groups: ['eng', 'ops'] } }],
  }, { database: kept(database) });
  const token = await signToken(key, goodClaims(provider.issuer, { sub: 'u1', email: 'u1@x.example', email_verified: true, groups: ['eng', 'ops', 'unnamed'] }));
  expect(await post(`${gateway.anthropic}/v1/messages`, token)).toBe(200);
  await gateway.drain();
  expect(await rowsBy(database, 'person')).toMatchObject([{ name: 'idp:u1', email: 'u1@x.example', requests: 1, cost_usd: '0.003500000' }]);
  expect(await rowsBy(database, 'group')).toEqual([{ name: 'eng', requests: 1, cost_usd: '0.003500000' }, { name: 'ops', requests: 1, cost_usd: '0.003500000' }]);
});

test('ledger: requests that cost nothing leave nothing (an attacker without a key writes no row)', async () => {
  await using upstream = await startUpstream();
  const database = openSqliteDatabase(':memory:');
  const gateway = await startTestGateway(upstream.origin, { clients: CLIENTS }, { database: kept(database) });
  expect(await post(`${gateway.anthropic}/v1/messages`, 'a-wrong-key')).toBe(401);
  expect(await post(`${gateway.anthropic}/v1/nothing`, 'key-of-alice')).toBe(404);
  await gateway.drain();
  expect([await rowsBy(database, 'client'), await rowsBy(database, 'person')]).toEqual([[], []]);
});

test('ledger: a store that is down keeps no gateway from starting and no request from its answer, is shown, and gets all of it when it is back', async () => {
  await using upstream = await startUpstream();
  const database = openSqliteDatabase(':memory:');
  const way = shaky(kept(database));
  way.cut = 'before';
  const gateway = await startTestGateway(upstream.origin, { clients: CLIENTS, state: { flush_interval: 0.1 } }, { database: way });
  expect(await post(`${gateway.anthropic}/v1/messages`, 'key-of-alice')).toBe(200);
  await gateway.recorded(1);
  expect(gateway.conditions()).toMatchObject({ ledger: { cause: 'ledger_failing', party: 'ledger', detail: '1 requests wait in memory, 0 are lost' } });
  expect(gateway.warnings()['ledger']).toMatch(/^ledger_failing: ledger has a store that fails \(1 requests wait in memory, 0 are lost\) since /);
  expect([await gateway.series('penstock_ledger_behind'), await gateway.series('penstock_ledger_lost_requests_total')]).toEqual([1, 0]);
  expect(gateway.logged.filter(({ msg }) => msg === 'the ledger cannot be written')).toMatchObject([{ reason: 'connect ECONNREFUSED' }]);
  way.cut = 'no';
  await expect.poll(() => gateway.conditions(), WAIT).toEqual({});
  await expect.poll(() => gateway.series('penstock_ledger_pending_requests'), WAIT).toBe(0);
  expect(await rowsBy(database, 'client')).toMatchObject([{ name: 'alice', requests: 1 }]);
  await gateway.close();
});

test('ledger: an end without its store has in its log what is missing', async () => {
  const way = shaky(openSqliteDatabase(':memory:'));
  const lines: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => { lines.push(line); } });
  const opened = await openLedger({ config: { state: { on_failure: 'open', flush_interval: 60 } }, database: way, registry: new Registry(), logger, timing: { closeMs: 50 } });
  opened.ledger.record(madeEntry(7n));
  way.cut = 'before';
  await opened.close();
  expect(lines.map((line) => JSON.parse(line) as { msg: string }).filter(({ msg }) => msg === 'requests are missing in the ledger')).toMatchObject([{ requests: 1, nano_dollars: '7' }]);
});
