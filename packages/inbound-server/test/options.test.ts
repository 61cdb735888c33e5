import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { openRawConnection, statusOf } from '@penstock/test-support';
import { expect, onTestFinished, test } from 'vitest';
import { createInboundServer, DEFAULT_INBOUND_LIMITS, isInboundServerError, validateRequest, type InboundServerOptions } from '../src/index.ts';

const onRequest = (): void => undefined;

function refusalOf(options: object): { code: string; message: string } {
  try {
    createInboundServer({ onRequest, ...options });
  } catch (error) {
    if (isInboundServerError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('the options were accepted');
}

test.each([
  [{ maxConnection: 5 }, 'maxConnection is not an option; did you mean maxConnections?'],
  [{ limits: { header_timeout_ms: 5 } }, 'header_timeout_ms is not an option; did you mean headersTimeoutMs?'],
  [{ limits: { lingermS: 5 } }, 'lingermS is not an option; did you mean lingerMs?'],
  [{ colour: 'red' }, 'colour is not an option'],
])('options: %j is refused with the nearest name (a mistyped limit would be no limit)', (options, message) => {
  expect(refusalOf(options)).toEqual({ code: 'unknown_option', message });
});

test.each([
  [{ maxConnections: 0 }, 'maxConnections must be a positive integer, received 0'],
  [{ limits: { headersTimeoutMs: Number.NaN } }, 'headersTimeoutMs must be a positive number of milliseconds up to 2147483647, received NaN'],
  [{ limits: { lingerMs: 3e9 } }, 'lingerMs must be a positive number of milliseconds up to 2147483647, received 3000000000'],
  [{ limits: { maxHeadersCount: 1.5 } }, 'maxHeadersCount must be a positive integer, received 1.5'],
])('options: %j is refused with the expectation and the value', (options, message) => {
  expect(refusalOf(options)).toEqual({ code: 'invalid_option', message });
});

test.each(Object.keys(DEFAULT_INBOUND_LIMITS))('options: the limit %s is checked', (name) => {
  expect(refusalOf({ limits: { [name]: -1 } }).code).toBe('invalid_option');
});

async function listen(options: Partial<InboundServerOptions>): Promise<number> {
  const server = createInboundServer({ onRequest, ...options });
  onTestFinished(() => { server.closeAllConnections(); server.close(); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('options: without describeParserError a request that cannot be parsed gets its status with the reason phrase', async () => {
  const connection = await openRawConnection(await listen({}));
  connection.send('GET / HTTP/9\r\n\r\n');
  const answer = await connection.readMessage({ kind: 'response' });
  expect([statusOf(answer), answer.body.toString()]).toEqual([400, 'Bad Request']);
  connection.close();
});

test.each([
  ['GET /a HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 'The Host field is repeated.'],
  ['GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n', 'The path contains a dot segment.'],
  ['GET /a/ HTTP/1.1\r\nHost: a\r\n\r\n', 'The path contains an empty segment'],
  ['GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n', 'The path contains an encoded dot, slash or backslash.'],
  ['GET /a?b=%2F HTTP/1.1\r\nHost: a\r\n\r\n', '/a ?b=%2F a'],
])('validateRequest: %j is judged by head and target', async (head, expected) => {
  const connection = await openRawConnection(await listen({
    onRequest(request, response) {
      const validated = validateRequest(request);
      response.end(validated.ok ? `${validated.path} ${validated.query} ${validated.head.host}` : validated.message);
    },
  }));
  connection.send(head);
  expect((await connection.readMessage({ kind: 'response' })).body.toString()).toContain(expected);
  connection.close();
});

test('validateRequest: a pipelined request is refused (Node would run both at the same time)', async () => {
  const messages: string[] = [];
  const connection = await openRawConnection(await listen({
    onRequest(request, response) {
      const validated = validateRequest(request);
      messages.push(validated.ok ? validated.path : validated.message);
      setImmediate(() => response.end('ok'));
    },
  }));
  connection.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  await connection.readMessage({ kind: 'response' });
  await connection.readMessage({ kind: 'response' });
  expect(messages).toEqual(['/1', 'The request came before the previous one on its connection was answered.']);
  connection.close();
});
