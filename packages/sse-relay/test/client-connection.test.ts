import { connect } from 'node:net';
import { once } from 'node:events';
import { openRawConnection, startScriptedUpstream, type ScriptedConnection } from '@penstock/test-support';
import type { Dispatcher } from 'undici';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startRelay } from './start-relay.ts';

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`;
const FRAME = Buffer.concat([Buffer.from('2000\r\n'), Buffer.alloc(0x2000, 'x'), Buffer.from('\r\n')]);

/** Sends as much as the connection takes, until it closes; resolves when it has been stuck for the first time. */
function flood(connection: ScriptedConnection, piece: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const push = (): void => {
      while (!connection.socket.destroyed && connection.socket.write(piece));
      resolve();
    };
    connection.socket.on('drain', push);
    push();
  });
}

describe('a client that leaves', () => {
  it.each([
    ['before the head', '', false], ['after the head', CHUNKED, true], ['inside the body', `${CHUNKED}4\r\nabcd\r\n`, true],
    ['inside a counted body', `${HEAD}content-length: 99\r\n\r\nabcd`, true],
  ])('%s cancels the upstream request at once (no tokens are paid for a client that left)', async (_, wire, headSent) => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(wire);
    });
    await using relay = await startRelay(upstream.origin);
    const client = await openRawConnection(relay.port);
    client.send(GET);
    while (upstream.requests.length === 0) await new Promise((resolve) => { setImmediate(resolve); });
    if (headSent) await client.waitFor((bytes) => bytes.includes('\r\n\r\n'));
    client.close();
    const result = await relay.settled();
    await upstream.connections[0]?.closed();
    expect(result).toMatchObject({ how: 'client_gone', headSent, error: { code: 'client_gone' } });
    expect(relay.results).toHaveLength(1);
  });

  it('while a finished body is still on its way to it is gone, not served', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(`${HEAD}content-length: 40000000\r\n\r\n`);
      connection.socket.write(Buffer.alloc(40_000_000));
    });
    const ends: string[] = [];
    const observer = { onChunk: () => undefined, onEnd: (how: string) => { ends.push(how); } };
    await using relay = await startRelay(upstream.origin, { server: { highWaterMark: 64_000_000 }, relay: { observer } });
    const client = connect({ port: relay.port, host: '127.0.0.1' });
    client.write(GET);
    await once(client, 'readable');
    while (relay.responses[0]?.writableEnded !== true) await new Promise((resolve) => { setImmediate(resolve); });
    client.destroy();
    expect(await relay.settled()).toMatchObject({ how: 'client_gone', bodyBytes: 40_000_000 });
    // What the upstream sent was whole, and is paid for: the observer may read it.
    expect(ends).toEqual(['complete']);
  });

  it.each([
    ['with a reset, before the head', '', false, 'reset'], ['with a reset, in the body', `${CHUNKED}4\r\nabcd\r\n`, true, 'reset'],
    ['with FIN, before the head', '', false, 'fin'], ['with FIN, in the body', `${CHUNKED}4\r\nabcd\r\n`, true, 'fin'],
  ] as const)('in the turn in which the upstream breaks as well is gone, not failed (%s)', async (_, wire, headSent, leaves) => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(wire);
    });
    await using relay = await startRelay(upstream.origin);
    const client = await openRawConnection(relay.port);
    client.send(GET);
    while (upstream.requests.length === 0) await new Promise((resolve) => { setImmediate(resolve); });
    if (headSent) await client.waitFor((bytes) => bytes.includes('abcd'));
    // Behind Node's own listeners, which know by then; the response is told by the later `close`.
    relay.responses[0]?.req.socket.once(leaves === 'fin' ? 'end' : 'error', () => {
      relay.handlers[0]?.onResponseError?.(relay.controllers[0] as Dispatcher.DispatchController, new Error('the upstream broke'));
    });
    if (leaves === 'fin') client.socket.end(); else client.reset();
    expect(await relay.settled()).toMatchObject({ how: 'client_gone', headSent, error: { code: 'client_gone' } });
    await upstream.connections[0]?.closed();
  });

  it('only with its sending side is served on, where the server allows that', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(`${CHUNKED}4\r\nabcd\r\n`);
    });
    await using relay = await startRelay(upstream.origin, { allowsHalfOpen: true });
    const client = await openRawConnection(relay.port);
    client.send(GET);
    await client.waitFor((bytes) => bytes.includes('abcd'));
    const socket = relay.responses[0]?.req.socket;
    client.socket.end();
    if (socket?.readableEnded === false) await once(socket, 'end');
    upstream.connections[0]?.reset();
    expect(await relay.settled()).toMatchObject({ how: 'upstream_failed' });
    client.close();
  });

  it('behind another of its requests (pipelining) is noticed too', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => { await connection.nextRequest(); });
    await using relay = await startRelay(upstream.origin);
    const client = await openRawConnection(relay.port);
    client.send(GET + GET);
    while (upstream.requests.length < 2) await new Promise((resolve) => { setImmediate(resolve); });
    client.close();
    await relay.settled(2);
    expect(relay.results.map(({ how }) => how)).toEqual(['client_gone', 'client_gone']);
    await Promise.all(upstream.connections.map((connection) => connection.closed()));
  });

  it.each([['at once', undefined], ['behind its failure event', 'event: error\n\n']])('keeps no connection on which a response failed that waited behind another, broken %s', async (_, failureEvent) => {
    const secondHasFailed = Promise.withResolvers<void>();
    await using upstream = await startScriptedUpstream(async (connection) => {
      const isFirst = (await connection.nextRequest()).startLine.startsWith('GET /1 ');
      if (isFirst) await secondHasFailed.promise;
      connection.send(`${CHUNKED}9\r\ndata: a\n\n\r\n${isFirst ? '0\r\n\r\n' : ''}`);
      if (!isFirst) connection.close();
    });
    await using relay = await startRelay(upstream.origin, { relay: { failureLingerMs: 1, failureEvent: () => (failureEvent === undefined ? undefined : Buffer.from(failureEvent)) } });
    const client = await openRawConnection(relay.port);
    client.send(`${GET.replace('/ ', '/1 ')}${GET.replace('/ ', '/2 ')}`);
    expect(await relay.settled()).toMatchObject({ how: 'upstream_failed', headSent: true });
    secondHasFailed.resolve();
    expect((await client.readMessage({ kind: 'response' })).body.toString()).toBe('data: a\n\n');
    await client.closed();
    expect(relay.results.map(({ how }) => how)).toEqual(['upstream_failed', 'complete']);
  });
});

describe('a client that stops reading', () => {
  afterEach(() => { vi.useRealTimers(); });

  it.each([
    ['chunked', CHUNKED, FRAME], ['with content-length', `${HEAD}content-length: 900000000\r\n\r\n`, Buffer.alloc(0x4000, 'x')],
  ])('pauses the upstream with less than 256 KB buffered, and reading on gets every byte (%s)', async (_, head, piece) => {
    const stuck = Promise.withResolvers<void>();
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(head);
      void flood(connection, piece).then(stuck.resolve);
    });
    await using relay = await startRelay(upstream.origin);
    const client = connect({ port: relay.port, host: '127.0.0.1' });
    client.pause();
    client.write(GET);
    while (relay.controllers[0]?.paused !== true) await new Promise((resolve) => { setImmediate(resolve); });
    await stuck.promise;
    // Nothing moves now: what is buffered here is all there will be.
    let last = -1;
    for (let quiet = 0; quiet < 50; quiet += 1) {
      await new Promise((resolve) => { setImmediate(resolve); });
      const buffered = relay.responses[0]?.writableLength ?? 0;
      if (buffered !== last) quiet = 0;
      last = buffered;
    }
    expect(last).toBeLessThan(256 * 1024);
    expect(last).toBeGreaterThan(0);
    expect(relay.controllers[0]?.paused).toBe(true);

    const before = client.bytesRead;
    client.resume();
    while (client.bytesRead < before + 20_000_000) await once(client, 'data');
    client.destroy();
    expect(await relay.settled()).toMatchObject({ how: 'client_gone' });
    expect((await relay.settled()).pauses).toBeGreaterThan(1);
  });

  it('is given up when the stall clock runs out, and not before', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(CHUNKED);
      void flood(connection, FRAME);
    });
    await using relay = await startRelay(upstream.origin, { relay: { clientStallMs: 60_000 } });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const client = connect({ port: relay.port, host: '127.0.0.1' });
    client.on('error', () => undefined);
    client.pause();
    client.write(GET);
    while (relay.responses[0] === undefined || relay.responses[0].writableLength < 65_536) await new Promise((resolve) => { setImmediate(resolve); });
    let quiet = 0;
    for (let read = 0; quiet < 50; quiet += 1) {
      await new Promise((resolve) => { setImmediate(resolve); });
      if (relay.controllers[0]?.paused !== true || read !== relay.responses[0].writableLength) quiet = 0;
      read = relay.responses[0].writableLength;
    }
    vi.advanceTimersByTime(59_999);
    expect(relay.results).toEqual([]);
    vi.advanceTimersByTime(2);
    expect(await relay.settled()).toMatchObject({ how: 'client_stalled', headSent: true, failureEventSent: false, error: { code: 'client_stalled' } });
    await upstream.connections[0]?.closed();
    client.resume();
    await once(client, 'close');
  });

  it('is not given up while it reads and the upstream is silent (the clock runs only while paused)', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(`${CHUNKED}4\r\nabcd\r\n`);
    });
    await using relay = await startRelay(upstream.origin, { relay: { clientStallMs: 1_000 } });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const client = await openRawConnection(relay.port);
    client.send(GET);
    await client.waitFor((bytes) => bytes.includes('abcd'));
    vi.advanceTimersByTime(3_600_000);
    upstream.connections[0]?.send('0\r\n\r\n');
    expect((await client.readMessage({ kind: 'response' })).complete).toBe(true);
    expect(await relay.settled()).toMatchObject({ how: 'complete', pauses: 0 });
    client.close();
  });
});

describe('the stall clock', () => {
  afterEach(() => { vi.useRealTimers(); });

  it('stops when the client reads on (a slow client is not a stalled one)', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(CHUNKED);
      for (let sent = 0; sent < 2_000; sent += 1) connection.send(FRAME);
    });
    await using relay = await startRelay(upstream.origin, { relay: { clientStallMs: 1_000 } });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const client = connect({ port: relay.port, host: '127.0.0.1' });
    client.pause();
    client.write(GET);
    while (relay.controllers[0]?.paused !== true) await new Promise((resolve) => { setImmediate(resolve); });
    client.resume();
    client.on('data', () => undefined);
    while (client.bytesRead < 2_000 * 0x2000) await once(client, 'data');
    vi.advanceTimersByTime(3_600_000);
    upstream.connections[0]?.send('0\r\n\r\n');
    expect(await relay.settled()).toMatchObject({ how: 'complete', bodyBytes: 2_000 * 0x2000 });
    client.destroy();
  });
});

describe('interrupt', () => {
  it('settles a response without a head, for the caller to answer', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => { await connection.nextRequest(); });
    await using relay = await startRelay(upstream.origin);
    const client = await openRawConnection(relay.port);
    client.send(GET);
    while (upstream.requests.length === 0) await new Promise((resolve) => { setImmediate(resolve); });
    relay.handlers[0]?.interrupt('draining');
    expect((await client.readMessage({ kind: 'response' })).startLine).toBe('HTTP/1.1 502 Bad Gateway');
    expect(await relay.settled()).toMatchObject({ how: 'interrupted', headSent: false, error: { code: 'interrupted', message: 'draining' } });
    relay.handlers[0]?.interrupt('again');
    expect(relay.results).toHaveLength(1);
    client.close();
  });
});
