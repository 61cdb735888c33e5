// Routes that take no body: axios and n8n send one with DELETE all the same.
import { answerAlways, fieldValues, openRawConnection, sendRawRequest, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

let upstream: ScriptedUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));
  gateway = await startTestGateway(upstream.origin);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const head = (method: string, path: string, fields: string): string => `${method} /anthropic${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;

test.each([
  ['DELETE', '/v1/files/f', 'Content-Length: 0\r\n', ''], ['DELETE', '/v1/files/f', 'Transfer-Encoding: chunked\r\n', '0\r\n\r\n'], ['DELETE', '/v1/messages/batches/b', 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'],
  ['GET', '/v1/models', 'Content-Length: 0\r\n', ''], ['DELETE', '/v1/files/f', 'Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'],
])('%s %s with an empty body (%j) is a request without one, and keeps its connection', async (method, path, fields, body) => {
  const before = upstream.requests.length;
  const connection = await openRawConnection(gateway.port);
  for (let index = 1; index <= 2; index += 1) {
    connection.send(head(method, path, fields) + body);
    if (fields.includes('Expect')) expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(100);
    expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(200);
    const outbound = upstream.requests[before + index - 1];
    expect([outbound?.body.length, fieldValues(outbound?.rawHeaders ?? [], 'transfer-encoding')]).toEqual([0, []]);
  }
  connection.close();
});

test('a chunked body on such a route takes no connection to the upstream before it has ended', async () => {
  await using waiting = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));
  await using other = await startTestGateway(waiting.origin);
  const connection = await openRawConnection(other.port);
  connection.send(head('DELETE', '/v1/files/f', 'Transfer-Encoding: chunked\r\n'));
  // Each comes after the one before, so that what was sent first had its turns.
  for (let index = 0; index < 20; index += 1) expect(statusOf(await sendRawRequest(other.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))).toBe(200);
  expect(waiting.connections.length).toBe(0);
  connection.send('0\r\n\r\n');
  expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(200);
  connection.close();
});

test.each([
  ['DELETE', '/v1/files/f', 'Content-Type: application/json\r\nContent-Length: 2\r\n', '{}'], ['DELETE', '/v1/messages/batches/b', 'Transfer-Encoding: chunked\r\n', '2\r\n{}\r\n0\r\n\r\n'],
  ['DELETE', '/v1/files/f', 'Content-Length: 100000\r\n', ''], ['DELETE', '/v1/files/f', 'Expect: 100-continue\r\nContent-Length: 2\r\n', ''],
])('%s %s with a body (%j) is a 400 that names the reason, and never forwarded', async (method, path, fields, body) => {
  const before = upstream.requests.length;
  const response = await sendRawRequest(gateway.port, head(method, path, fields) + body);
  expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error')]).toEqual([400, ['bad_request']]);
  expect(response.body.toString()).toContain('takes no body');
  expect(upstream.requests.length).toBe(before);
});
