import Anthropic from '@anthropic-ai/sdk';
import { openSqliteDatabase } from '@penstock/claude-code-gateway/store';
import { startScriptedUpstream } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { createClientKey, hashClientKey } from '../../src/access/clients/client-key.ts';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { startTestGateway } from '../start-test-gateway.ts';
import { ask, entriesFor, jsonAnswer, SERVED, startAnswering, startGroupGateway } from './two-upstreams.ts';

const MAP = { 'claude-x': 'anthropic.claude-x', 'claude-y': 'anthropic.claude-y', 'claude-z': 'anthropic.claude-z' };
const [NARROW, OPEN] = [createClientKey(), createClientKey()];
const CLIENTS = [
  { name: 'narrow', key_sha256: hashClientKey(NARROW), models: ['claude-x', 'claude-z'] },
  { name: 'open', key_sha256: hashClientKey(OPEN) },
];

function configWith(upstreams: readonly object[], document: object = {}): GatewayConfig {
  return gatewayConfigSchema.parse({ server: { port: 0 }, ...document, anthropic_native: { upstreams } });
}

describe('a caller whose models are restricted', () => {
  test('is judged by the name that it uses, never by the upstream\'s', async () => {
    await using upstream = await startAnswering();
    await using gateway = await startGroupGateway(entriesFor([upstream.origin], [{ model_map: MAP }]), {}, { clients: CLIENTS });
    const statuses: number[] = [];
    for (const model of ['claude-x', 'claude-y', 'anthropic.claude-x']) statuses.push((await ask(gateway, { headers: { 'x-api-key': NARROW }, body: { model } })).status);
    expect([statuses, upstream.requests.map(({ body }) => body.toString())]).toEqual([[200, 404, 404], ['{"model":"anthropic.claude-x"}']]);
  });

  test('is refused with two models, whichever the upstream would read, and a second one is never sent', async () => {
    await using upstream = await startAnswering();
    await using gateway = await startGroupGateway(entriesFor([upstream.origin], [{ model_map: MAP }]), {}, { clients: CLIENTS });
    const bodies = ['{"model":"claude-x","model":"claude-y"}', '{"model":"claude-y","mode\\u006c":"claude-x"}', '{"mod\\u0065l":"claude-x","model":"claude-y"}'];
    for (const body of bodies) expect((await ask(gateway, { headers: { 'x-api-key': NARROW }, body })).status).toBe(400);
    expect(upstream.requests).toEqual([]);
  });
});

describe('the list of models where the upstream has other names for them', () => {
  test('is the gateway\'s own: the names that clients use, as far as they are open to the caller', async () => {
    await using upstream = await startAnswering();
    await using gateway = await startGroupGateway(entriesFor([upstream.origin], [{ model_map: MAP }]), {}, { clients: CLIENTS });
    const list = async (key: string, path = '/v1/models?limit=1000'): Promise<unknown> => (await fetch(gateway.anthropic + path, { headers: { 'x-api-key': key } })).json();
    const model = (id: string): object => ({ type: 'model', id, display_name: id, created_at: '1970-01-01T00:00:00Z' });
    expect(await list(OPEN)).toEqual({ data: ['claude-x', 'claude-y', 'claude-z'].map(model), has_more: false, first_id: 'claude-x', last_id: 'claude-z' });
    expect(await list(NARROW)).toEqual({ data: ['claude-x', 'claude-z'].map(model), has_more: false, first_id: 'claude-x', last_id: 'claude-z' });
    expect(await list(OPEN, '/v1/models/claude-y')).toEqual(model('claude-y'));
    expect(await list(OPEN, '/v1/models/anthropic.claude-y')).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
    expect(await list(NARROW, '/v1/models/claude-y')).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
    expect(upstream.requests).toEqual([]);
    expect(await gateway.recorded(5)).toMatchObject([{ status: 200, outcome: 'ok' }, { status: 200, outcome: 'ok' }, { status: 200, outcome: 'ok' }, { status: 404 }, { status: 404 }]);
  });

  test('has pages, which the official SDK reads', async () => {
    await using upstream = await startAnswering();
    await using gateway = await startGroupGateway(entriesFor([upstream.origin], [{ model_map: MAP }]));
    const client = new Anthropic({ apiKey: 'dummy', baseURL: gateway.anthropic });
    const ids: string[] = [];
    for await (const { id } of client.models.list({ limit: 1 })) ids.push(id);
    expect(ids).toEqual(Object.keys(MAP));
    const page = async (query: string): Promise<unknown> => (await fetch(`${gateway.anthropic}/v1/models?${query}`)).json();
    expect(await page('limit=1&before_id=claude-z')).toMatchObject({ data: [{ id: 'claude-y' }], has_more: true });
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'after_id=other']) expect(await page(query)).toMatchObject({ error: { type: 'invalid_request_error' } });
  });

  test('has the names in all maps, and is the upstream\'s own where that has no map', async () => {
    await using first = await startAnswering();
    await using plain = await startAnswering(jsonAnswer(200, '{"data":[],"has_more":false,"first_id":null,"last_id":null}'));
    const entries = entriesFor([first.origin, first.origin, plain.origin], [{ model_map: { 'claude-x': 'x' } }, { model_map: { 'claude-x': 'x2', 'claude-y': 'y' } }]);
    await using gateway = await startGroupGateway(entries);
    const ids = async (): Promise<unknown> => ((await (await fetch(`${gateway.anthropic}/v1/models`)).json()) as { data: { id: string }[] }).data.map(({ id }) => id);
    expect(await ids()).toEqual(['claude-x', 'claude-y']);
    gateway.update(configWith([...entries.slice(2), ...entries.slice(0, 2)]));
    expect([await ids(), plain.requests.length, first.requests.length]).toEqual([[], 1, 0]);
  });
});

describe('the cost of a request to an upstream with other names for models', () => {
  const usage = '"usage":{"input_tokens":1000000,"output_tokens":0}';
  const price = (model: string, input: string): object => ({ model, unit: 'usd_per_million_tokens', input, output: '1' });

  test.each([
    ['the model that the response names', 'deployment-7', [price('deployment-7', '2'), price('anthropic.claude-x', '3'), price('claude-x', '4')], 2],
    ['the name that was sent, where that has no price', 'deployment-7', [price('anthropic.claude-x', '3'), price('claude-x', '4')], 3],
    ['the name that the caller used, where neither has one', 'deployment-7', [price('claude-x', '4')], 4],
  ])('is by the price of %s', async (_whose, model, prices, expected) => {
    await using upstream = await startAnswering(jsonAnswer(200, `{"type":"message","model":"${model}",${usage}}`));
    await using gateway = await startTestGateway('http://127.0.0.1:1', {
      prices, state: { flush_interval: 60 }, anthropic_native: { upstreams: entriesFor([upstream.origin], [{ model_map: MAP }]) },
    }, { database: openSqliteDatabase(':memory:') });
    expect((await ask(gateway)).status).toBe(200);
    expect(await gateway.recorded(1)).toMatchObject([{ upstream: 'a', requested_model: 'claude-x', model, cost_dollars: expected }]);
    expect(await gateway.series('penstock_cost_dollars_total{side="native",upstream="a",model="claude-x",client="anonymous"}')).toBe(expected);
    expect(await gateway.series('penstock_tokens_total{side="native",model="claude-x",client="anonymous",type="input"}')).toBe(1_000_000);
  });

  test('is known by the list price where a cloud writes a model in its own way', async () => {
    await using upstream = await startAnswering(jsonAnswer(200, `{"type":"message","model":"anthropic.claude-haiku-4-5-20251001-v1:0",${usage}}`));
    await using gateway = await startTestGateway('http://127.0.0.1:1', {
      state: { flush_interval: 60 }, anthropic_native: { upstreams: entriesFor([upstream.origin], [{ model_map: { 'claude-haiku-4-5': 'deployment' } }]) },
    }, { database: openSqliteDatabase(':memory:') });
    await ask(gateway, { body: { model: 'claude-haiku-4-5' } });
    expect(await gateway.recorded(1)).toMatchObject([{ requested_model: 'claude-haiku-4-5', cost_dollars: 1 }]);
  });
});

describe('a reload', () => {
  test('gives the only upstream a map, another one, and none again', async () => {
    await using upstream = await startAnswering();
    const [entry = {}] = entriesFor([upstream.origin]);
    await using gateway = await startGroupGateway([entry]);
    const names: unknown[] = [];
    for (const map of [{}, { 'claude-x': 'first' }, { 'claude-x': 'second' }, {}]) {
      gateway.update(configWith([{ ...entry, model_map: map }]));
      expect((await ask(gateway)).status).toBe(200);
      names.push((JSON.parse(upstream.requests.at(-1)?.body.toString() ?? '') as { model: unknown }).model);
    }
    expect(names).toEqual(['claude-x', 'first', 'second', 'claude-x']);
  });

  test('between two tries of a request changes none of its names', async () => {
    let refuse = (): void => undefined;
    let arrived = (): void => undefined;
    const isAt = new Promise<void>((resolve) => { arrived = resolve; });
    await using refusing = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      arrived();
      await new Promise<void>((resolve) => { refuse = resolve; });
      connection.send('HTTP/1.1 529 Overloaded\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}');
    });
    await using serving = await startAnswering(SERVED);
    const maps = (id: string): readonly object[] => entriesFor([refusing.origin, serving.origin], [{ model_map: { 'claude-x': `${id}-a` } }, { model_map: { 'claude-x': `${id}-b` } }]);
    await using gateway = await startGroupGateway(maps('old'));
    const answer = ask(gateway);
    await isAt;
    gateway.update(configWith(maps('new')));
    refuse();
    expect((await answer).status).toBe(200);
    expect([refusing, serving].map(({ requests }) => requests[0]?.body.toString())).toEqual(['a', 'b'].map((name) => `{"model":"old-${name}","max_tokens":9,"messages":[]}`));
  });
});
