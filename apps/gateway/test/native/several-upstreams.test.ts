import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldValues, freePort, openRawConnection, startScriptedUpstream, statusOf } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { WHOLE_STATUS } from '../../src/observe/status/status-query.ts';
import { warningsOf } from '../../src/observe/upstreams/upstream-snapshot.ts';
import { ask, entriesFor, jsonAnswer, OVERLOADED, SERVED, startAnswering, startGroupGateway } from './two-upstreams.ts';

describe('several upstreams: a request that one refuses', () => {
  test('goes to the next with the client\'s own bytes, and with the key and host of that one only', async () => {
    await using first = await startAnswering(OVERLOADED);
    await using second = await startAnswering();
    await using gateway = await startGroupGateway(entriesFor([first.origin, `${second.origin}/prefix`]));
    const body = '{ "model":"mod\\u0065l",\t"max_tokens": 1e1,\n "messages":[]  }';
    const answer = await ask(gateway, { body, headers: { 'x-api-key': 'of the client', 'anthropic-beta': 'some-beta-1' } });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('"claude-x"');
    const [refused] = first.requests;
    const [served] = second.requests;
    expect([refused?.body.toString(), served?.body.toString()]).toEqual([body, body]);
    expect([refused, served].map((request) => fieldValues(request?.rawHeaders ?? [], 'x-api-key'))).toEqual([['sk-ant-key-of-a'], ['sk-ant-key-of-b']]);
    expect(fieldValues(served?.rawHeaders ?? [], 'host')).toEqual([new URL(second.origin).host]);
    expect(fieldValues(served?.rawHeaders ?? [], 'via')).toEqual(['1.1 penstock-test']);
    expect(fieldValues(served?.rawHeaders ?? [], 'anthropic-beta')).toEqual(['some-beta-1']);
    expect(served?.startLine).toBe('POST /prefix/v1/messages HTTP/1.1');
    const [line] = await gateway.recorded(1);
    expect(line).toMatchObject({ status: 200, outcome: 'ok', upstream: 'b', failovers: ['a:status_529'] });
    expect(await gateway.series('penstock_failovers_total{from="a",to="b",reason="status_529"}')).toBe(1);
    expect(await gateway.series('penstock_failovers_total{from="b",to="a",reason="not_sent"}')).toBe(0);
  });

  test('arrives whole at the next one where it is large and its answer a stream, and its bytes are given back', async () => {
    await using first = await startAnswering(OVERLOADED);
    await using second = await startAnswering(() => Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 28\r\n\r\nevent: message_stop\ndata: {}\n'));
    await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin]));
    const body = JSON.stringify({ model: 'claude-x', stream: true, max_tokens: 9, messages: [{ role: 'user', content: randomBytes(1_500_000).toString('base64') }] });
    const answer = await ask(gateway, { body });
    expect([answer.status, (await answer.text()).slice(0, 19)]).toEqual([200, 'event: message_stop']);
    expect([first, second].map(({ requests }) => requests.map((request) => request.body.toString() === body))).toEqual([[true], [true]]);
    await gateway.recorded(1);
    expect(await gateway.series('penstock_buffered_bytes{side="native"}')).toBe(0);
  });

  test('is answered by the 429 with the least retry-after, unchanged, where all refuse it', async () => {
    await using first = await startAnswering(jsonAnswer(429, '{"of":"a"}', ['retry-after', '30', 'request-id', 'req_a']));
    await using second = await startAnswering(jsonAnswer(429, '{"of":"b"}', ['retry-after', '5', 'request-id', 'req_b']));
    await using third = await startAnswering(OVERLOADED);
    await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin, third.origin]));
    const answer = await ask(gateway);
    expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('request-id'), await answer.text()]).toEqual([429, '5', 'req_b', '{"of":"b"}']);
    expect([first, second, third].map(({ requests }) => requests.length)).toEqual([1, 1, 1]);
  });

  test('is answered by an error of the gateway\'s own where all keys are refused, and the page names each', async () => {
    await using first = await startAnswering(jsonAnswer(401, '{"secret":1}'));
    await using second = await startAnswering(jsonAnswer(401, '{"secret":2}'));
    await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin]));
    const answer = await ask(gateway);
    expect([answer.status, answer.headers.get('x-penstock-error')]).toEqual([502, 'upstream_credential']);
    expect(await answer.text()).not.toContain('secret');
    await gateway.recorded(1);
    expect(gateway.upstreams().map(({ name, trouble, member }) => [name, trouble?.cause, member?.state, member?.reason])).toEqual([
      ['a', 'credential_refused', 'cooling', 'status_401'], ['b', 'credential_refused', 'cooling', 'status_401'], ['front_door_anthropic', undefined, undefined, undefined],
    ]);
  });
});

describe('several upstreams: a request that may have run', () => {
  test('is sent once, and answered with one error', async () => {
    let closes = 0;
    await using second = await startAnswering();
    await using closing = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      closes += 1;
      connection.close();
    });
    await using gateway = await startGroupGateway(entriesFor([closing.origin, second.origin]));
    const answer = await ask(gateway);
    expect([answer.status, answer.headers.get('x-penstock-error'), answer.headers.get('x-should-retry')]).toEqual([502, 'upstream_reset', null]);
    expect([closes, second.requests.length]).toEqual([1, 0]);
    expect((await ask(gateway)).status).toBe(200);
    expect([closes, second.requests.length]).toEqual([1, 1]);
  });
});

describe('several upstreams: all of them down', () => {
  test('one answer, and page, readiness and health name each with its cause', async () => {
    const origins = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
    await using gateway = await startGroupGateway(entriesFor(origins));
    const answer = await ask(gateway);
    expect([answer.status, answer.headers.get('x-penstock-error')]).toEqual([502, 'upstream_unreachable']);
    const [line] = await gateway.recorded(1);
    expect(line).toMatchObject({ outcome: 'upstream_unreachable', upstream: 'b', failovers: ['a:not_sent'] });
    expect(Object.keys(warningsOf(gateway.upstreams()))).toEqual(['a_upstream', 'b_upstream']);
    const health = await (await fetch(`${gateway.anthropic}/health`)).json() as Record<string, unknown>;
    const status = await gateway.status?.read(WHOLE_STATUS);
    expect(status?.states.map(({ name, member }) => [name, member?.reason]).slice(0, 2)).toEqual([['a', 'unreachable'], ['b', 'unreachable']]);
    expect(health).toMatchObject({ status: 'degraded', upstreams: { a: { state: 'cooling', reason: 'unreachable' }, b: { state: 'cooling', reason: 'unreachable' } } });
    expect((await ask(gateway)).status).toBe(502);
  });
});

describe('several upstreams: a session', () => {
  test('keeps its upstream for 20 turns, moves once when that dies, and stays there when it is well again', async () => {
    await using first = await startAnswering();
    await using second = await startAnswering();
    await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin]), { routing: { cool_down: [0.001, 0.001] } });
    const turns = async (count: number): Promise<void> => {
      for (let turn = 0; turn < count; turn += 1) expect((await ask(gateway, { session: 'session-1' })).status).toBe(200);
    };
    await turns(20);
    expect([first.requests.length, second.requests.length]).toEqual([20, 0]);
    first.answer = OVERLOADED;
    await turns(5);
    first.answer = SERVED;
    const before = first.requests.length;
    await turns(20);
    expect([first.requests.length - before, second.requests.length]).toEqual([0, 25]);
    expect(await gateway.series('penstock_session_moves_total{from="a",to="b"}')).toBe(1);
    expect(await gateway.series('penstock_failovers_total{from="a",to="b",reason="status_529"}')).toBe(1);
  });

  test('of another caller or another id may be elsewhere; without an id the caller sticks', async () => {
    await using first = await startAnswering();
    await using second = await startAnswering();
    await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin], [{ tier: 0 }, { tier: 0 }]));
    for (let index = 0; index < 40; index += 1) await ask(gateway, { session: `session-${index}` });
    expect(Math.min(first.requests.length, second.requests.length)).toBeGreaterThan(5);
    const before = [first.requests.length, second.requests.length];
    for (let index = 0; index < 10; index += 1) await ask(gateway);
    const grown = [first, second].map(({ requests }, index) => requests.length - (before[index] ?? 0));
    expect(grown.toSorted((one, other) => one - other)).toEqual([0, 10]);
  });
});

describe('several upstreams: what refers to the state of an account', () => {
  test.each([
    ['a file', '/v1/files', {}], ['a batch', '/v1/messages/batches', {}],
    ['a message with a files beta', '/v1/messages', { 'anthropic-beta': 'x-1, files-api-2025-04-14' }],
    ['a message of a thread', '/v1/messages', { body: { model: 'm', max_tokens: 1, messages: [], thread: { type: 'create' } } }],
  ])('%s goes to the stateful upstream and never moves', async (_what, path, more) => {
    await using first = await startAnswering();
    await using second = await startAnswering(OVERLOADED);
    await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin]), { routing: { stateful: 'b' } });
    const { body, ...headers } = more as { body?: unknown };
    expect((await ask(gateway, { path, headers, ...(body === undefined ? {} : { body }) })).status).toBe(529);
    expect([first.requests.length, second.requests.length]).toEqual([0, 1]);
  });

  test('goes to the first listed one by default; another message of the same caller does not', async () => {
    await using first = await startAnswering();
    await using second = await startAnswering();
    await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin], [{ tier: 1 }, { tier: 0 }]));
    await ask(gateway, { path: '/v1/files' });
    await ask(gateway);
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
  });
});

describe('several upstreams: models', () => {
  test('only those that serve the model are asked; none is a 400', async () => {
    await using first = await startAnswering();
    await using second = await startAnswering();
    await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin], [{ models: ['claude-a*'] }, { models: ['claude-b*', 'claude-c'] }]));
    for (const [model, status] of [['claude-a1', 200], ['claude-b1', 200], ['claude-c', 200], ['gpt', 400]] as const) {
      const answer = await ask(gateway, { body: { model, max_tokens: 1, messages: [] } });
      expect([model, answer.status]).toEqual([model, status]);
      await answer.text();
    }
    expect([first.requests.length, second.requests.length]).toEqual([1, 2]);
  });
});

describe('several upstreams: a bearer in a file', () => {
  test('is used while the file can be read; else its upstream alone is not, and comes back with the file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-bearer-'));
    const path = join(folder, 'token');
    try {
      await using first = await startAnswering();
      await using second = await startAnswering();
      await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin], [{ credential: { bearer_file: path } }]), { routing: { cool_down: [0.001, 0.001] } });
      expect((await ask(gateway)).status).toBe(200);
      const [line] = await gateway.recorded(1);
      expect(line).toMatchObject({ upstream: 'b', failovers: ['a:not_sent'] });
      expect(gateway.upstreams()[0]).toMatchObject({ trouble: { cause: 'credential_refused' }, member: { reason: 'try_refused' } });
      writeFileSync(path, 'two\nlines\n');
      expect((await ask(gateway, { session: 's2' })).status).toBe(200);
      writeFileSync(path, 'the-token\n');
      expect((await ask(gateway, { session: 's3' })).status).toBe(200);
      expect(first.requests.map(({ rawHeaders }) => [fieldValues(rawHeaders, 'authorization'), fieldValues(rawHeaders, 'x-api-key')])).toEqual([[['Bearer the-token'], []]]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('several upstreams: reload', () => {
  test('adds and removes upstreams while a stream is open, which ends whole', async () => {
    await using first = await startAnswering();
    await using second = await startAnswering();
    let finish = (): void => undefined;
    await using streaming = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegun\r\n');
      await new Promise<void>((resolve) => { finish = resolve; });
      connection.send('6\r\n ended\r\n0\r\n\r\n');
    });
    const config = (upstreams: readonly object[]): ReturnType<typeof gatewayConfigSchema.parse> => gatewayConfigSchema.parse({ server: { port: 0 }, anthropic_native: { upstreams } });
    const entries = entriesFor([streaming.origin, first.origin, second.origin]);
    await using gateway = await startGroupGateway(entries.slice(0, 2));
    const answer = await ask(gateway);
    gateway.update(config(entries.slice(1)));
    expect(gateway.upstreams().map(({ name }) => name).slice(0, 2)).toEqual(['b', 'c']);
    expect((await ask(gateway)).status).toBe(200);
    expect([first.requests.length, second.requests.length]).toEqual([1, 0]);
    finish();
    expect(await answer.text()).toBe('begun ended');
    gateway.update(config([{ ...entries[1], tier: 5 }, { ...entries[2], tier: 0 }]));
    expect((await ask(gateway)).status).toBe(200);
    expect(second.requests.length).toBe(1);
    gateway.update(config(entries.slice(1, 2)));
    expect((await ask(gateway)).status).toBe(200);
    expect(await gateway.sum('penstock_upstream_pool_max_connections{upstream="b"}')).toBe(20);
    expect(await gateway.sum('penstock_upstream_pool_max_connections{upstream="c"}').catch(() => 'none')).toBe('none');
  });

  test('a request whose body is still received is sent to the upstream for which it was made, although that was replaced', async () => {
    await using first = await startAnswering();
    await using second = await startAnswering();
    const [a, b] = entriesFor([first.origin, second.origin]);
    await using gateway = await startGroupGateway([a ?? {}]);
    const body = '{"model":"claude-x","max_tokens":1,"messages":[]}';
    const connection = await openRawConnection(gateway.port);
    connection.send(`POST /anthropic/v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 9)}`);
    await expect.poll(() => gateway.series('penstock_buffered_bytes{side="native"}'), { timeout: 30_000 }).toBeGreaterThan(0);
    gateway.update(gatewayConfigSchema.parse({ server: { port: 0 }, anthropic_native: { upstreams: [b] } }));
    expect((await ask(gateway)).status).toBe(200);
    connection.send(body.slice(9));
    expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(200);
    connection.close();
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
  });

  test('a new key is used at once, and what was refused before is forgotten', async () => {
    await using first = await startAnswering(jsonAnswer(401, '{}'));
    await using second = await startAnswering();
    const entries = entriesFor([first.origin, second.origin]);
    await using gateway = await startGroupGateway(entries);
    await ask(gateway, { session: 's' });
    first.answer = SERVED;
    gateway.update(gatewayConfigSchema.parse({ server: { port: 0 }, anthropic_native: { upstreams: [{ ...entries[0], credential: { api_key: 'sk-ant-new' } }, entries[1]] } }));
    await ask(gateway, { session: 'another' });
    expect(fieldValues(first.requests[1]?.rawHeaders ?? [], 'x-api-key')).toEqual(['sk-ant-new']);
    expect(gateway.upstreams()[0]).toMatchObject({ trouble: undefined, member: { state: 'well' } });
  });
});

test('one listed upstream: no group is in the way, and its name is in log and metrics', async () => {
  await using only = await startAnswering(OVERLOADED);
  await using gateway = await startGroupGateway(entriesFor([only.origin]));
  expect((await ask(gateway)).status).toBe(529);
  const [line] = await gateway.recorded(1);
  expect(line).toMatchObject({ upstream: 'a' });
  expect(line).not.toHaveProperty('failovers');
  expect(await gateway.metrics.registry.metrics()).not.toContain('penstock_failovers_total');
  expect(gateway.upstreams()[0]).toMatchObject({ name: 'a', trouble: { cause: 'api_failing' } });
  expect(gateway.upstreams()[0]).not.toHaveProperty('member');
});
