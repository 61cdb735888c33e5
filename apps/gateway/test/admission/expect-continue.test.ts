import { createHash } from 'node:crypto';
import { answerAlways, fieldValues, openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type RawConnection, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const KEY = `pen_${'e'.repeat(43)}`;
let upstream: ScriptedUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));
  gateway = await startTestGateway(upstream.origin, { clients: [{ name: 'ci', key_sha256: createHash('sha256').update(KEY).digest('hex') }] }, { inboundLimits: { lingerIdleMs: 100 } });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

async function announce(fields: string, path = '/anthropic/v1/messages'): Promise<RawConnection> {
  const connection = await openRawConnection(gateway.port);
  connection.send(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n${fields}\r\n`);
  return connection;
}

test.each([
  ['a stranger', 'Content-Length: 2\r\n', '/anthropic/v1/messages', 401], ['a wrong key', 'x-api-key: pen_wrong\r\nContent-Length: 2\r\n', '/anthropic/v1/messages', 401],
  ['a body over its limit', `x-api-key: ${KEY}\r\nContent-Length: 33554433\r\n`, '/anthropic/v1/messages', 413], ['an upload over its limit', `x-api-key: ${KEY}\r\nContent-Length: 524288001\r\n`, '/anthropic/v1/files', 413],
  ['an unknown route', `x-api-key: ${KEY}\r\nContent-Length: 2\r\n`, '/anthropic/v1/nothing', 404], ['an unknown coding', `x-api-key: ${KEY}\r\nContent-Encoding: cow\r\nContent-Length: 2\r\n`, '/anthropic/v1/messages', 415],
])('%s is refused before it sends its body: no 100, and the connection ends', async (_name, fields, path, status) => {
  const connection = await announce(fields, path);
  const response = await connection.readMessage({ kind: 'response' });
  expect([statusOf(response), fieldValues(response.rawHeaders, 'connection')]).toEqual([status, ['close']]);
  await connection.closed();
  expect(connection.received().includes('100 Continue')).toBe(false);
  expect(upstream.requests).toEqual([]);
});

test.each([['/anthropic/v1/messages'], ['/anthropic/v1/files']])('a client that may send to %s gets one 100, sends, and is answered', async (path) => {
  const connection = await announce(`x-api-key: ${KEY}\r\nContent-Length: 2\r\n`, path);
  const interim = await connection.readMessage({ kind: 'response' });
  expect(interim.startLine).toBe('HTTP/1.1 100 Continue');
  connection.send('{}');
  expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(200);
  expect(upstream.requests.at(-1)?.body.toString()).toBe('{}');
  expect(fieldValues(upstream.requests.at(-1)?.rawHeaders ?? [], 'expect')).toEqual([]);
  connection.send(`GET /anthropic/v1/models HTTP/1.1\r\nHost: localhost\r\nx-api-key: ${KEY}\r\n\r\n`);
  expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(200);
  connection.close();
});
