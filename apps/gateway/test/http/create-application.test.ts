// The application around sides that break their promise never to throw.
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInboundServer, DEFAULT_INBOUND_LIMITS } from '@penstock/inbound-server';
import { fieldValues, openRawConnection, sendRawRequest, statusOf } from '@penstock/test-support';
import { afterEach, expect, test } from 'vitest';
import { createApplication, type MountedSide } from '../../src/http/create-application.ts';
import { describeParserError } from '../../src/http/describe-parser-error.ts';
import { createOriginCheck } from '../../src/http/check-origin.ts';
import { createLifecycle } from '../../src/process/lifecycle.ts';

let server: Server;
const internal: unknown[] = [];
const refused: unknown[] = [];

async function listen(native: MountedSide): Promise<number> {
  internal.length = 0;
  refused.length = 0;
  const checkOrigin = createOriginCheck({ allowedHosts: [], boundHost: '127.0.0.1', corsOrigins: [] });
  const off = { code: 'not_found', message: 'Not found.' } as const;
  const onRequest = createApplication({
    version: '0.0.0-test', lifecycle: createLifecycle(), checkOrigin: () => checkOrigin, inboundLimits: DEFAULT_INBOUND_LIMITS, native, frontDoor: undefined,
    absentFrontDoor: off, clouds: { bedrock: off, vertex: off },
    onRefused: (_request, { status }) => { refused.push(status); },
    onInternalError: (id, error) => { internal.push([id, error]); },
  });
  server = createInboundServer({ onRequest, describeParserError, maxConnections: 10 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});

const GET = 'GET /anthropic/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n';

test('a side that throws before its head is answered with a neutral 500, and the error is handed on with the request\'s id', async () => {
  const error = new Error('secret of the inside');
  const response = await sendRawRequest(await listen({ handle: () => Promise.reject(error) }), GET);
  expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error')]).toEqual([500, ['internal']]);
  expect(response.bytes.toString()).not.toContain('secret');
  expect(internal).toEqual([[fieldValues(response.rawHeaders, 'request-id')[0], error]]);
  expect(refused).toEqual([500]);
});

test('a side that throws behind its head breaks the response, which then never looks complete', async () => {
  const connection = await openRawConnection(await listen({
    handle: async (_context, { response }) => {
      response.writeHead(200, ['transfer-encoding', 'chunked']);
      response.write('begun');
      await new Promise(setImmediate);
      throw new Error('late');
    },
  }));
  connection.send(GET);
  await connection.closed();
  const received = connection.received().toString();
  expect(received).toContain('begun');
  expect(received).not.toContain('0\r\n\r\n');
  expect([internal.length, refused]).toEqual([1, []]);
});

test('a side that leaves a request to what follows gets a 404 instead of a client that waits', async () => {
  const response = await sendRawRequest(await listen({ handle: () => Promise.resolve() }), GET);
  expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error')]).toEqual([404, ['not_found']]);
  expect([refused, internal]).toEqual([[404], []]);
});
