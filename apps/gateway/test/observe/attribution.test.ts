import { startSimulator } from '@penstock/anthropic-simulator';
import { answerAlways, freePort, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { warningsOf } from '../../src/observe/upstreams/upstream-snapshot.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const CLIENTS = ['alice', 'mallory'].map((name) => ({ name, key_sha256: hashClientKey(`key-of-${name}`) }));

function ask(gateway: TestGateway, path: string, client?: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${gateway.origin}${path}`, {
    method: 'POST', body: JSON.stringify({ model: 'claude-x', max_tokens: 9, messages: [{ role: 'user', content: 'x' }] }), ...init,
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', ...(client === undefined ? {} : { 'x-api-key': `key-of-${client}` }) },
  });
}

const NATIVE = '/anthropic/v1/messages';
const FRONT_DOOR = '/v1/chat/completions';

test.each([['native', NATIVE, 'native'], ['front_door', FRONT_DOOR, 'front_door_anthropic']] as const)(
  'a revoked key of the gateway, %s side: the body crosses, and outcome, fault and readiness name the gateway\'s key until one works again', async (side, path, upstream) => {
    await using revoked = await startSimulator({ apiKeys: ['another key'] });
    await using gateway = await startTestGateway(revoked.origin);
    const answer = await ask(gateway, path);
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain('invalid x-api-key');
    const [line] = await gateway.recorded(1);
    expect(line).toMatchObject({ level: 50, outcome: 'upstream_credential_refused', fault: 'gateway', cause: 'upstream_credential_refused', requested_model: 'claude-x' });
    expect(await gateway.sum(`penstock_requests_total{side="${side}",status="401",outcome="upstream_credential_refused",fault="gateway"}`)).toBe(1);
    expect(gateway.upstreams().find(({ name }) => name === upstream)).toMatchObject({ trouble: { cause: 'credential_refused' }, succeededAt: 0 });
    expect(warningsOf(gateway.upstreams())[`${upstream}_upstream`]).toMatch(/^credential_refused: /);
  });

test('a revoked key of the gateway: with upstream_auth_errors "explain" the answer says whose key it is, and the next request needs no reload once the key is good', async () => {
  let status = 401;
  await using upstream = await startScriptedUpstream(answerAlways(() => wholeResponse(status, ['content-type', 'application/json'], '{"secret":"of the upstream"}')));
  await using gateway = await startTestGateway(upstream.origin, { anthropic_native: { upstream_auth_errors: 'explain' } });
  const answer = await ask(gateway, NATIVE);
  expect([answer.status, answer.headers.get('x-penstock-error'), answer.headers.get('x-should-retry')]).toEqual([502, 'upstream_credential', 'false']);
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ type: 'error', error: { type: 'api_error', message: expect.stringContaining('credential of this gateway, not yours') as string } });
  expect(text).not.toMatch(/secret|x-api-key/);
  expect(await gateway.recorded(1)).toMatchObject([{ outcome: 'upstream_credential_refused', status: 502 }]);
  expect(await gateway.sum('penstock_requests_total{status="502",outcome="upstream_credential_refused",fault="gateway"}')).toBe(1);
  // A 404 is the API's answer, and crosses.
  status = 404;
  expect((await ask(gateway, NATIVE)).status).toBe(404);
  status = 200;
  expect((await ask(gateway, NATIVE)).status).toBe(200);
  await gateway.recorded(3);
  expect(warningsOf(gateway.upstreams())).toEqual({});
  await expect.poll(() => gateway.sum('penstock_upstream_pool_held{upstream="native"}')).toBe(0);
});

test('a 401 to the client\'s own credential is the client\'s (credentials: forward)', async () => {
  await using upstream = await startSimulator({ apiKeys: ['another key'] });
  await using gateway = await startTestGateway(upstream.origin, { anthropic_native: { credentials: 'forward' } });
  expect((await ask(gateway, NATIVE, 'alice')).status).toBe(401);
  await gateway.recorded(1);
  expect(await gateway.sum('penstock_requests_total{side="native",status="401",outcome="upstream_error",fault="client"}')).toBe(1);
  expect(warningsOf(gateway.upstreams())).toEqual({});
});

test('a 403 behind a success is about the request, and the key is well', async () => {
  let status = 200;
  await using upstream = await startScriptedUpstream(answerAlways(() => wholeResponse(status, ['content-type', 'application/json'], '{}')));
  await using gateway = await startTestGateway(upstream.origin);
  await ask(gateway, NATIVE);
  status = 403;
  await ask(gateway, NATIVE);
  const lines = await gateway.recorded(2);
  expect(lines.map(({ outcome }) => outcome)).toEqual(['ok', 'upstream_error']);
  expect(await gateway.sum('penstock_requests_total{status="403",fault="client"}')).toBe(1);
});

test('a dead backend of the front door is a warning of its own, and the native side has none', async () => {
  await using simulator = await startSimulator();
  const backend = { name: 'dead', kind: 'openai', base_url: `http://127.0.0.1:${await freePort()}/v1`, api_key: 'x' };
  await using gateway = await startTestGateway(simulator.origin, { openai_front_door: { backends: [backend], models: [{ model: '*', backend: 'dead' }] } });
  expect((await ask(gateway, NATIVE)).status).toBe(200);
  expect((await ask(gateway, FRONT_DOOR)).status).toBe(502);
  await gateway.recorded(2);
  const warnings = warningsOf(gateway.upstreams());
  expect(Object.keys(warnings)).toEqual(['front_door_dead_upstream']);
  expect(warnings['front_door_dead_upstream']).toMatch(/^backend_unreachable: front_door_dead cannot be reached since /);
  expect(await gateway.sum('penstock_requests_total{side="front_door",outcome="upstream_unreachable",fault="network"}')).toBe(1);
});

test('a failure of the way upstream is logged at warn with the same words on both sides, and a client\'s at info', async () => {
  await using gateway = await startTestGateway(`http://127.0.0.1:${await freePort()}`);
  for (const path of [NATIVE, FRONT_DOOR]) expect((await ask(gateway, path)).status).toBe(502);
  await ask(gateway, NATIVE, undefined, { body: '[]' });
  const lines = await gateway.recorded(3);
  const said = lines.map(({ level, side, fault, cause, failure, requested_model: model }) => [level, side, fault, cause, failure, model]);
  expect(said).toEqual([
    [40, 'native', 'network', 'upstream_unreachable', 'unreachable: ECONNREFUSED', 'claude-x'],
    [40, 'front_door', 'network', 'upstream_unreachable', 'unreachable: ECONNREFUSED', 'claude-x'],
    [30, 'native', 'client', 'bad_request', 'bad_request', undefined],
  ]);
});

test('a pool that one client holds: metrics and readiness name the client while it does, and not the one that waits', async () => {
  await using simulator = await startSimulator();
  await using gateway = await startTestGateway(simulator.origin, { clients: CLIENTS, anthropic_native: { pool: { max_connections: 2, max_keepalive_connections: 2 } } });
  const leaving = new AbortController();
  const body = JSON.stringify({ model: 'sim-slow', max_tokens: 9, stream: true, messages: [{ role: 'user', content: 'x' }] });
  const held = ['mallory', 'mallory', 'alice'].map((client) => ask(gateway, NATIVE, client, { body, signal: leaving.signal }).then((response) => response.text()).catch(() => ''));
  await expect.poll(() => gateway.sum('penstock_upstream_pool_held{upstream="native",client="mallory"}')).toBe(2);
  await expect.poll(() => gateway.sum('penstock_upstream_pool_waiting{upstream="native",client="alice"}')).toBe(1);
  expect(await gateway.sum('penstock_upstream_pool_held{upstream="native",client="alice"}')).toBe(0);
  expect(await gateway.sum('penstock_requests_in_flight{side="native",client="mallory"}')).toBe(2);
  expect(await gateway.sum('penstock_oldest_request_seconds{side="native"}')).toBeGreaterThan(0);
  expect(warningsOf(gateway.upstreams())).toEqual({ native_pool: 'pool_held_by_one_client: mallory holds the pool (2 of 2 connections of native, 1 wait)' });
  leaving.abort();
  await Promise.all(held);
  await expect.poll(() => gateway.sum('penstock_requests_in_flight{side="native"}')).toBe(0);
  expect(await gateway.sum('penstock_upstream_pool_held{upstream="native"}')).toBe(0);
  expect(warningsOf(gateway.upstreams())).toEqual({});
});
