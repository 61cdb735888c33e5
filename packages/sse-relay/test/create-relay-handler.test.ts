import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { answerAlways, fieldValues, openRawConnection, sendRawRequest, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRelayHandler, RelayError } from '../src/index.ts';
import { startRelay } from './start-relay.ts';

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const chunked = (text: string): string => `${Buffer.byteLength(text, 'latin1').toString(16)}\r\n${text}\r\n`;
const CHUNKED_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n';

describe('the head', () => {
  it('crosses with status, reason, case, order, repeats and latin1 bytes intact', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(529, ['X-Zed', '\xe9', 'x-a', '1', 'X-A', '2', '__proto__', 'x'], 'over')));
    await using relay = await startRelay(upstream.origin);
    const message = await sendRawRequest(relay.port, GET);
    expect(message.startLine).toBe('HTTP/1.1 529 Scripted');
    expect(message.rawHeaders.slice(0, 10)).toEqual(['X-Zed', '\xe9', 'x-a', '1', 'X-A', '2', '__proto__', 'x', 'content-length', '4']);
    expect(message.body.toString()).toBe('over');
    expect(await relay.settled()).toMatchObject({ how: 'complete', headSent: true, status: 529, bodyBytes: 4, framing: 'length' });
  });

  it('is sent before the first body byte comes (time to first byte is the upstream\'s)', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(CHUNKED_HEAD);
    });
    await using relay = await startRelay(upstream.origin);
    const client = await openRawConnection(relay.port);
    client.send(GET);
    const bytes = await client.waitFor((unread) => unread.includes('\r\n\r\n'));
    expect(bytes.toString()).toMatch(/transfer-encoding: chunked/i);
    upstream.connections[0]?.send(`${chunked('x')}0\r\n\r\n`);
    expect((await client.readMessage({ kind: 'response' })).complete).toBe(true);
    client.close();
  });

  it('falls back to a standard reason when the upstream\'s cannot be sent (writeHead would throw)', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(Buffer.from('HTTP/1.1 503 \u20ac\r\ncontent-length: 0\r\n\r\n')));
    await using relay = await startRelay(upstream.origin);
    expect((await sendRawRequest(relay.port, GET)).startLine).toBe('HTTP/1.1 503 Service Unavailable');
  });

  it.each([
    ['undefined', () => undefined], ['a throw', () => { throw new Error('no'); }],
    ['a field that cannot be sent', () => ({ status: 200, statusMessage: 'OK', rawHeaders: ['x', 'a\nb'] })],
    ['a reason and a field that cannot be sent', () => ({ status: 200, statusMessage: 'fine', rawHeaders: ['bad name', 'b'] })],
  ])('is refused by %s, nothing is written and the upstream is aborted', async (_, onHead) => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(`${CHUNKED_HEAD}${chunked('secret')}`);
    });
    await using relay = await startRelay(upstream.origin, { relay: { onHead } });
    const message = await sendRawRequest(relay.port, GET);
    expect([message.startLine, message.body.toString()]).toEqual(['HTTP/1.1 502 Bad Gateway', 'bad gateway']);
    expect(await relay.settled()).toMatchObject({ how: 'refused', headSent: false, bodyBytes: 0 });
    await upstream.connections[0]?.closed();
  });

  it('is refused when a transfer coding other than chunked was used (its bytes would cross undelimited)', async () => {
    await using upstream = await startScriptedUpstream(answerAlways('HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nxxx'));
    await using relay = await startRelay(upstream.origin);
    expect((await sendRawRequest(relay.port, GET)).startLine).toBe('HTTP/1.1 502 Bad Gateway');
    expect(await relay.settled()).toMatchObject({ how: 'refused', error: { code: 'invalid_response' } });
  });

  it('forwards the links of a 103 and swallows every other 1xx', async () => {
    await using upstream = await startScriptedUpstream(answerAlways('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nset-cookie: a=b\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx'));
    await using relay = await startRelay(upstream.origin);
    const client = await openRawConnection(relay.port);
    client.send(GET);
    const bytes = await client.waitFor((unread) => unread.includes('200 OK') && unread.toString().endsWith('\r\n\r\nx'));
    const hints = typeof Reflect.get(relay.responses[0] ?? {}, 'writeInformation') === 'function' ? 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' : '';
    expect(bytes.toString().split('HTTP/1.1 200')[0]).toBe(hints);
    client.close();
  });

  it.each([
    ['a 103 of the upstream', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', ''],
    ['the 100 that the client expects', '', 'expect: 100-continue\r\ncontent-length: 0\r\n'],
  ])('stands behind %s, where the response waits behind another on its connection (it would be written into the body)', async (_, informational, fields) => {
    const secondWasAnswered = Promise.withResolvers<void>();
    await using upstream = await startScriptedUpstream(async (connection) => {
      const isFirst = (await connection.nextRequest()).startLine.startsWith('GET /1 ');
      if (isFirst) await secondWasAnswered.promise;
      connection.send(`${isFirst ? '' : informational}${CHUNKED_HEAD}${chunked(isFirst ? 'first' : 'second')}0\r\n\r\n`);
      if (!isFirst) { await connection.closed(); secondWasAnswered.resolve(); }
    });
    await using relay = await startRelay(upstream.origin, { client: { keepAliveTimeout: 1 } });
    const client = await openRawConnection(relay.port);
    client.send(`${GET.replace('/ ', '/1 ')}${GET.replace('/ ', '/2 ').replace('\r\n\r\n', `\r\n${fields}\r\n`)}`);
    const bytes = await client.waitFor((unread) => unread.toString().endsWith('second\r\n0\r\n\r\n'));
    const [, second] = bytes.toString().split('first\r\n0\r\n\r\n');
    expect(second?.split('\r\n\r\n').at(-3)).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(second?.split('\r\n\r\n').at(-2)).toBe(`${chunked('second')}0`);
    client.close();
  });

  it('keeps a 103 from an HTTP/1.0 client (it would take it for the answer)', async () => {
    await using upstream = await startScriptedUpstream(answerAlways('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx'));
    await using relay = await startRelay(upstream.origin);
    expect((await sendRawRequest(relay.port, 'GET / HTTP/1.0\r\n\r\n')).startLine).toBe('HTTP/1.1 200 OK');
  });
});

describe('the body', () => {
  it.each([204, 304])('the body of a %d: is empty, and the connection is kept', async (status) => {
    await using upstream = await startScriptedUpstream(answerAlways(`HTTP/1.1 ${status} X\r\netag: "a"\r\n\r\n`));
    await using relay = await startRelay(upstream.origin);
    const client = await openRawConnection(relay.port);
    for (let round = 0; round < 2; round += 1) {
      client.send(GET);
      const message = await client.readMessage({ kind: 'response' });
      expect([message.startLine, message.framing]).toEqual([`HTTP/1.1 ${status} X`, 'none']);
    }
    expect(await relay.settled(2)).toMatchObject({ how: 'complete', framing: 'none', bodyBytes: 0 });
    client.close();
  });

  it('the body of an answer to HEAD: is empty, and its content-length is forwarded', async () => {
    await using upstream = await startScriptedUpstream(answerAlways('HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n'));
    await using relay = await startRelay(upstream.origin);
    const client = await openRawConnection(relay.port);
    for (let round = 0; round < 2; round += 1) {
      client.send('HEAD / HTTP/1.1\r\nhost: x\r\n\r\n');
      expect(fieldValues((await client.readMessage({ kind: 'response', toHead: true })).rawHeaders, 'content-length')).toEqual(['1234']);
    }
    expect(await relay.settled(2)).toMatchObject({ how: 'complete', framing: 'none' });
    client.close();
  });

  it('never exceeds or misses its content-length, whatever the head was made to say', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, [], 'four')));
    for (const length of ['3', '5']) {
      await using relay = await startRelay(upstream.origin, { relay: { onHead: () => ({ status: 200, statusMessage: 'OK', rawHeaders: ['content-length', length] }) } });
      const message = await sendRawRequest(relay.port, GET);
      expect(message.complete).toBe(false);
      expect(await relay.settled()).toMatchObject({ how: 'upstream_failed', headSent: true });
    }
  });

  it.each([['chunked', true], ['with content-length', false]])('a body of 5 MB: is forwarded byte for byte, %s', async (_, isChunked) => {
    const body = Buffer.from(Array.from({ length: 5_000_000 }, (__, index) => index * index % 251));
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      if (isChunked) connection.send(Buffer.concat([Buffer.from(`${CHUNKED_HEAD}${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]));
      else connection.send(wholeResponse(200, [], body));
    });
    await using relay = await startRelay(upstream.origin);
    const message = await sendRawRequest(relay.port, GET);
    const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    expect([message.complete, digest(message.body)]).toEqual([true, digest(body)]);
    expect(await relay.settled()).toMatchObject({ how: 'complete', bodyBytes: body.length });
  });

  it('keeps the connection in use: responses of every framing follow each other on it', async () => {
    const answers = ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab', `${CHUNKED_HEAD}${chunked('cd')}${chunked('ef')}0\r\n\r\n`, `${CHUNKED_HEAD}0\r\n\r\n`];
    let next = 0;
    await using upstream = await startScriptedUpstream(answerAlways(() => answers[next++ % 3] ?? ''));
    await using relay = await startRelay(upstream.origin);
    const client = await openRawConnection(relay.port);
    const bodies: string[] = [];
    for (let round = 0; round < 9; round += 1) {
      client.send(GET);
      bodies.push((await client.readMessage({ kind: 'response' })).body.toString());
    }
    expect(bodies.join(' ')).toBe('ab cdef  ab cdef  ab cdef ');
    client.close();
  });

  it('waits its turn behind another on the same connection (pipelining)', async () => {
    const secondWasAnswered = Promise.withResolvers<void>();
    await using upstream = await startScriptedUpstream(async (connection) => {
      const isFirst = (await connection.nextRequest()).startLine.startsWith('GET /1 ');
      if (isFirst) await secondWasAnswered.promise;
      connection.send(`${CHUNKED_HEAD}${chunked(isFirst ? 'first' : 'second')}0\r\n\r\n`);
      if (!isFirst) { await connection.closed(); secondWasAnswered.resolve(); }
    });
    await using relay = await startRelay(upstream.origin, { client: { keepAliveTimeout: 1 } });
    const client = await openRawConnection(relay.port);
    client.send(`${GET.replace('/ ', '/1 ')}${GET.replace('/ ', '/2 ')}`);
    const first = await client.readMessage({ kind: 'response' });
    const second = await client.readMessage({ kind: 'response' });
    expect([first.body.toString(), second.body.toString()]).toEqual(['first', 'second']);
    expect(await relay.settled(2)).toMatchObject({ how: 'complete' });
    client.close();
  });

  it('a response: is written through a wrapped write() (a middleware that reads the bytes)', async () => {
    const seen: string[] = [];
    await using upstream = await startScriptedUpstream(answerAlways(`${CHUNKED_HEAD}${chunked('abc')}0\r\n\r\n`));
    await using relay = await startRelay(upstream.origin, { relay: (_, response) => {
      const write = response.write.bind(response);
      response.write = (chunk: Uint8Array): boolean => { seen.push(Buffer.from(chunk).toString()); return write(chunk); };
      return {};
    } });
    expect((await sendRawRequest(relay.port, GET)).body.toString()).toBe('abc');
    expect(seen.join('')).toBe('abc');
  });
});

describe('trailers', () => {
  const TRAILED = `${CHUNKED_HEAD}${chunked('x')}0\r\nx-sum: \xe9\r\nx-secret: 1\r\n\r\n`;
  const onTrailers = (rawTrailers: string[]): string[] => rawTrailers.slice(0, 2);

  it.each([
    ['cross to a client that takes them', 'te: trailers\r\n', { onTrailers }, ['x-sum', '\xe9']],
    ['stay behind when the client did not say so', '', { onTrailers }, []],
    ['stay behind unless they were chosen', 'te: trailers\r\n', {}, []],
  ])('%s', async (_, te, options, expected) => {
    await using upstream = await startScriptedUpstream(answerAlways(Buffer.from(TRAILED, 'latin1')));
    await using relay = await startRelay(upstream.origin, { relay: options });
    const message = await sendRawRequest(relay.port, `GET / HTTP/1.1\r\nhost: x\r\n${te}\r\n`);
    expect([message.body.toString(), message.rawTrailers]).toEqual(['x', expected]);
  });
});

describe('keep-alive comments', () => {
  afterEach(() => { vi.useRealTimers(); });
  const SSE = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';

  it('fill the silence at a boundary and go away in the reader', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(`${SSE}transfer-encoding: chunked\r\n\r\n${chunked('event: a\ndata: 1\n\n')}`);
    });
    await using relay = await startRelay(upstream.origin, { relay: { keepAlive: { intervalMs: 5 } } });
    const client = await openRawConnection(relay.port);
    client.send(GET);
    await client.waitFor((bytes) => bytes.toString().split(': keep-alive\n\n').length > 3);
    upstream.connections[0]?.send(`${chunked('event: b\ndata: 2\n\n')}0\r\n\r\n`);
    const { body, complete } = await client.readMessage({ kind: 'response' });
    expect([complete, body.toString().replaceAll(': keep-alive\n\n', '')]).toEqual([true, 'event: a\ndata: 1\n\nevent: b\ndata: 2\n\n']);
    expect((await relay.settled()).keepAlivesSent).toBeGreaterThan(2);
    client.close();
  });

  it.each([
    ['inside an event', `${SSE}transfer-encoding: chunked\r\n\r\n${chunked('event: a\ndata: 1\n')}`, 'data: 1\n'],
    ['before the first byte', `${SSE}transfer-encoding: chunked\r\n\r\n`],
    ['in a compressed stream', `${SSE}content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n${chunked('event: a\n\n')}`, 'event: a\n\n'],
    ['in a stream with content-length', `${SSE}content-length: 99\r\n\r\nevent: a\n\n`, 'event: a\n\n'],
    ['in another body', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunked('x\n\n')}`, 'x\n\n'],
  ])('are never written %s', async (_, wire, last = '\r\n') => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    await using upstream = await startScriptedUpstream(answerAlways(wire));
    await using relay = await startRelay(upstream.origin, { relay: { keepAlive: { intervalMs: 1 } } });
    const client = await openRawConnection(relay.port);
    client.send(GET);
    await client.waitFor((bytes) => bytes.includes('\r\n\r\n') && bytes.includes(last));
    vi.advanceTimersByTime(1_000);
    client.close();
    expect(await relay.settled()).toMatchObject({ keepAlivesSent: 0 });
    expect(client.received().toString()).not.toContain('keep-alive\n');
  });
});

describe('createRelayHandler', () => {
  it.each([
    [{ clientStallMs: 0 }, 'clientStallMs must be a positive number of at most 2147483647, received 0'],
    [{ failureLingerMs: Number.NaN }, 'failureLingerMs must be a positive number of at most 2147483647, received NaN'],
    [{ observerGraceMs: 2 ** 31 }, 'observerGraceMs must be a positive number of at most 2147483647, received 2147483648'],
    [{ keepAlive: { intervalMs: -1 } }, 'keepAlive.intervalMs must be a positive number of at most 2147483647, received -1'],
  ])('refuses %o', async (options, message) => {
    await using upstream = await startScriptedUpstream(answerAlways(''));
    const errors: unknown[] = [];
    await using relay = await startRelay(upstream.origin, { onCreateError: (error) => { errors.push(error); }, relay: options });
    await sendRawRequest(relay.port, GET);
    expect(errors).toEqual([new RelayError('invalid_option', message)]);
  });

  it('refuses a response whose head was already sent', async () => {
    const errors: unknown[] = [];
    const server = createServer((_, response) => {
      response.end('mine');
      try { createRelayHandler(response, { onHead: () => undefined, onSettled: () => undefined }); } catch (error) { errors.push(error); }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    await sendRawRequest(typeof address === 'object' && address !== null ? address.port : 0, GET);
    server.close();
    expect(errors).toMatchObject([{ code: 'head_already_sent' }]);
  });
});
