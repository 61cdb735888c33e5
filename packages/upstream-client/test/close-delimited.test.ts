import { once } from 'node:events';
import { createServer as createTcpServer, connect, type Socket } from 'node:net';
import { createServer as createTlsServer, type SecureVersion } from 'node:tls';
import { answerAlways, createAuthority, startScriptedUpstream } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import type { BodyCheck } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';

const authority = createAuthority('Test CA');
const certificate = authority.issue({ names: ['127.0.0.1'] });
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n';
const BODY = 'hello '.repeat(400);

type OnRecord = (record: Buffer, isAlert: boolean, to: Socket) => void;

interface Relay { readonly port: number; [Symbol.asyncDispose](): Promise<void> }

/** Puts itself between a client and a port, as an attacker on the network would: `onRecord` gets the records of the answer and the alert behind them, and decides what goes on to `to`. */
async function startRelay(port: number, onRecord: OnRecord): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let unread: Buffer = Buffer.alloc(0);
    let isAnswering = false;
    for (const socket of [client, upstream]) { sockets.add(socket); socket.on('error', () => undefined); }
    client.on('data', (bytes: Buffer) => { upstream.write(bytes); });
    upstream.on('data', (bytes: Buffer) => {
      unread = Buffer.concat([unread, bytes]);
      while (unread.length >= 5 && unread.length >= 5 + unread.readUInt16BE(3)) {
        const record = unread.subarray(0, 5 + unread.readUInt16BE(3));
        unread = unread.subarray(record.length);
        // The answer is what is large. What comes behind it and is small is the alert, whatever type TLS 1.3 hides it under.
        isAnswering ||= record.length > BODY.length;
        if (isAnswering) onRecord(record, record.length < 100, client); else client.write(record);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What an attacker makes of the last record, the alert behind it, and the end of the connection. */
const WAYS: Readonly<Record<string, { readonly isWhole: boolean; readonly onRecord: (record: Buffer, isAlert: boolean, to: Socket, received: Promise<void>) => void }>> = {
  'with its alert in the same piece': { isWhole: true, onRecord: (record, isAlert, to) => { if (!isAlert) to.cork(); to.write(record); if (isAlert) to.end(); } },
  'with its alert later': { isWhole: true, onRecord: (record, isAlert, to, received) => { if (isAlert) void received.then(() => to.write(record)); else to.write(record); } },
  'with its alert later, and FIN': { isWhole: true, onRecord: (record, isAlert, to, received) => { if (isAlert) void received.then(() => to.end(record)); else to.write(record); } },
  'by FIN alone, at once': { isWhole: false, onRecord: (record, isAlert, to) => { if (!isAlert) to.end(record); } },
  'by FIN alone, later': { isWhole: false, onRecord: (record, isAlert, to, received) => { if (!isAlert) { to.write(record); void received.then(() => to.end()); } } },
  'within a record': { isWhole: false, onRecord: (record, isAlert, to) => { if (!isAlert) to.end(record.subarray(0, 24)); } },
  'within the alert': { isWhole: false, onRecord: (record, isAlert, to, received) => { if (isAlert) void received.then(() => to.end(record.subarray(0, record.length - 1))); else to.write(record); } },
};

describe.each(['TLSv1.2', 'TLSv1.3'] as readonly SecureVersion[])('a body that only the end of its %s connection delimits', (version) => {
  it.each(Object.entries(WAYS))('%s', async (_name, { isWhole, onRecord }) => {
    const server = createTlsServer({ ...certificate, minVersion: version, maxVersion: version });
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(HEAD);
      await new Promise(setImmediate);
      connection.send(BODY);
      connection.socket.end();
    }, { server });
    const received = Promise.withResolvers<void>();
    await using relay = await startRelay(upstream.port, (record, isAlert, to) => { onRecord(record, isAlert, to, received.promise); });
    await using client = createUpstreamClient({ origin: `https://127.0.0.1:${relay.port}`, tls: { ca: authority.cert } });
    const { error, body } = await dispatchRequest(client, {}, { onResponseData: () => { setImmediate(() => { setImmediate(received.resolve); }); } }).result;
    expect(error === undefined ? 'whole' : 'code' in error ? error.code : error).toBe(isWhole ? 'whole' : 'truncated');
    if (isWhole) expect(body).toBe(BODY);
  });

  it('is whole when its reader paused while it ended', async () => {
    const server = createTlsServer({ ...certificate, minVersion: version, maxVersion: version });
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(HEAD + BODY.repeat(100));
      connection.socket.end();
    }, { server });
    await using client = createUpstreamClient({ origin: upstream.origin, tls: { ca: authority.cert } });
    const { error, body } = await dispatchRequest(client, {}, {
      onResponseData: (controller) => {
        controller.pause();
        let turns = 20;
        const wait = (): void => { turns -= 1; if (turns > 0) setImmediate(wait); else controller.resume(); };
        wait();
      },
    }).result;
    expect([error, body.length]).toEqual([undefined, BODY.length * 100]);
  });
});

describe('a body that only the end of its connection delimits', () => {
  const check = (rawHeaders: readonly string[]): BodyCheck | undefined => {
    if (!rawHeaders.includes('text/braces')) return undefined;
    let text = '';
    return { update: (chunk) => { text += Buffer.from(chunk).toString(); }, isWhole: () => text.endsWith('}') };
  };

  it.each([
    ['whole', 'text/braces', '{}', 'ok'],
    ['cut', 'text/braces', '{', 'truncated'],
    ['of a kind that cannot be checked', 'text/plain', '{', 'ok'],
  ])('is checked by the application: %s', async (_name, type, body, expected) => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.socket.end(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n\r\n${body}`);
    });
    await using client = createUpstreamClient({ origin: upstream.origin, closeDelimitedCheck: check });
    for (const responseFields of ['parsed', 'raw'] as const) {
      const { error } = await dispatchRequest(client, { responseFields }).result;
      expect(error === undefined ? 'ok' : 'code' in error ? error.code : error).toBe(expected);
    }
  });

  it.each([
    ['content-length: 1', '{'],
    ['transfer-encoding: chunked', '1\r\n{\r\n0\r\n\r\n'],
  ])('is not one with %s (its end is framed)', async (field, body) => {
    await using upstream = await startScriptedUpstream(answerAlways(`HTTP/1.1 200 OK\r\ncontent-type: text/braces\r\n${field}\r\n\r\n${body}`));
    await using client = createUpstreamClient({ origin: upstream.origin, closeDelimitedCheck: check });
    for (const responseFields of ['parsed', 'raw'] as const) expect((await dispatchRequest(client, { responseFields }).result).error).toBeUndefined();
  });
});
