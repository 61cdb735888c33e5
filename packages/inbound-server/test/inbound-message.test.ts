import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { Server, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openRawConnection } from '@penstock/test-support';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createInboundServer } from './plain.ts';

const FIELDS = 'Host: a\r\nTraceparent: 00-1\r\nX-Twice: 1\r\nX-Twice: 2\r\n';

let server: Server;
let seen: IncomingHttpHeaders[];

function listen(): void {
  server = createInboundServer({
    onRequest: (request, response) => {
      seen.push(request.headers);
      response.end();
    },
    describeParserError: () => ({ headers: [], body: Buffer.alloc(0) }), maxConnections: 10,
  });
  server.listen(0, '127.0.0.1');
}

beforeEach(() => { seen = []; });
afterEach(() => { server.close(); });

async function ask(head: string): Promise<void> {
  if (!server.listening) await once(server, 'listening');
  const connection = await openRawConnection((server.address() as AddressInfo).port);
  connection.send(head);
  await connection.readMessage({ kind: 'response' });
  connection.close();
}

describe('the fields of a request, as an object', () => {
  test('headers: hold every field once the request is handed over', async () => {
    listen();
    await ask(`GET / HTTP/1.1\r\n${FIELDS}\r\n`);
    expect(seen).toEqual([{ host: 'a', traceparent: '00-1', 'x-twice': '1, 2' }]);
  });

  test.each(['100-continue', 'the-moon'])('headers: hold every field of a request with an expectation (%s)', async (expectation) => {
    listen();
    await ask(`GET / HTTP/1.1\r\n${FIELDS}Expect: ${expectation}\r\n\r\n`);
    expect(seen).toEqual([{ host: 'a', traceparent: '00-1', 'x-twice': '1, 2', expect: expectation }]);
  });

  test('headers: hold every field for an agent that wraps the emit of every server (it reads the trace context)', async () => {
    const watched: IncomingHttpHeaders[] = [];
    const original = Reflect.get(Server.prototype, 'emit') as (this: Server, event: string, ...parameters: unknown[]) => boolean;
    Object.assign(Server.prototype, {
      emit(this: Server, event: string, ...parameters: unknown[]): boolean {
        if (event === 'request') watched.push((parameters[0] as IncomingMessage).headers);
        return original.call(this, event, ...parameters);
      },
    });
    try {
      listen();
      await ask(`GET / HTTP/1.1\r\n${FIELDS}\r\n`);
    } finally {
      Object.assign(Server.prototype, { emit: original });
    }
    expect(watched).toEqual([{ host: 'a', traceparent: '00-1', 'x-twice': '1, 2' }]);
  });

  test('headers: hold every field for a subscriber of the diagnostics channels of node:http', async () => {
    const watched: IncomingHttpHeaders[] = [];
    const watch = (message: unknown): void => { watched.push((message as { request: IncomingMessage }).request.headers); };
    subscribe('http.server.request.start', watch);
    try {
      listen();
      await ask(`GET / HTTP/1.1\r\n${FIELDS}\r\n`);
    } finally {
      unsubscribe('http.server.request.start', watch);
    }
    expect(watched).toEqual([{ host: 'a', traceparent: '00-1', 'x-twice': '1, 2' }]);
  });
});

test('an HTTP/1.0 client that takes chunks is answered in chunks, as node:http decides by its fields', async () => {
  server = createInboundServer({
    onRequest: (_request, response) => {
      response.write('a');
      response.end('b');
    },
    describeParserError: () => ({ headers: [], body: Buffer.alloc(0) }), maxConnections: 10,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = await openRawConnection((server.address() as AddressInfo).port);
  connection.send('GET / HTTP/1.0\r\nHost: a\r\nTE: chunked\r\n\r\n');
  const { rawHeaders } = await connection.readMessage({ kind: 'response' });
  expect(rawHeaders.map((text) => text.toLowerCase())).toEqual(expect.arrayContaining(['transfer-encoding', 'chunked']));
  connection.close();
});
