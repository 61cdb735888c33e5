import { gzipSync } from 'node:zlib';
import { answerAlways, openRawConnection, sendRawRequest, startScriptedUpstream } from '@penstock/test-support';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventObserver, type BodyObserver } from '../src/index.ts';
import { startRelay } from './start-relay.ts';

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const frame = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
const wire = (body: Buffer, fields = ''): Buffer => Buffer.concat([
  Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${fields}transfer-encoding: chunked\r\n\r\n`), frame(body), Buffer.from('0\r\n\r\n'),
]);
const fail = (): never => { throw new Error('observer'); };

describe('an observer that fails', () => {
  it.each<[string, BodyObserver]>([
    ['in onHead', { onHead: fail, onChunk: () => undefined, onEnd: () => undefined }],
    ['in onChunk', { onChunk: fail, onEnd: () => undefined }],
    ['in onEnd', { onChunk: () => undefined, onEnd: fail }],
    ['late, in what onEnd promised', { onChunk: () => undefined, onEnd: async () => { await Promise.resolve(); fail(); } }],
  ])('%s changes no byte, is counted once and is not called again', async (name, observer) => {
    const body = Buffer.from('event: a\ndata: 1\n\n');
    const errors: unknown[] = [];
    let calls = 0;
    const counting: BodyObserver = { ...observer, onChunk: (chunk) => { calls += 1; observer.onChunk(chunk); } };
    // Two chunks: an observer that failed on the first must not see the second.
    const cut = wire(body.subarray(0, 9)).subarray(0, -'0\r\n\r\n'.length);
    await using upstream = await startScriptedUpstream(answerAlways(Buffer.concat([cut, frame(body.subarray(9)), Buffer.from('0\r\n\r\n')])));
    await using relay = await startRelay(upstream.origin, { relay: { observer: counting, onObserverError: (error) => { errors.push(error); fail(); } } });
    const message = await sendRawRequest(relay.port, GET);
    expect([message.complete, message.body.equals(body)]).toEqual([true, true]);
    expect(await relay.settled()).toMatchObject({ how: 'complete' });
    expect(errors).toEqual([new Error('observer')]);
    expect(calls).toBe({ 'in onHead': 0, 'in onChunk': 1 }[name] ?? 2);
  });

  it('an observer that never finishes delays only the report of the end, for at most its grace time', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wire(Buffer.from('x'))));
    const observer: BodyObserver = { onChunk: () => undefined, onEnd: () => new Promise<void>(() => undefined) };
    await using relay = await startRelay(upstream.origin, { relay: { observer, observerGraceMs: 20 } });
    expect((await sendRawRequest(relay.port, GET)).complete).toBe(true);
    expect(await relay.settled()).toMatchObject({ how: 'complete' });
  });

  it.each([
    ['invalid UTF-8', Buffer.from([0x65, 0x76, 0x65, 0x6e, 0x74, 0x3a, 0xff, 0xfe, 0x0a, 0x64, 0x61, 0x74, 0x61, 0x3a, 0xc3, 0x0a, 0x0a]), '', []],
    ['a 40 kB event', Buffer.from(`event: message_start\ndata: {"message":{"model":"${'x'.repeat(40_000)}"}}\n\n`), '', []],
    ['an event over its limit', Buffer.from(`event: message_start\ndata: ${'x'.repeat(300_000)}\n\n`), '', ['event_too_large']],
    ['a truncated gzip', gzipSync('event: a\n\n').subarray(0, 12), 'content-encoding: gzip\r\n', ['decoding']],
    ['gzip that is none', Buffer.from('event: a\n\n'), 'content-encoding: gzip\r\n', ['decoding']],
    ['an unknown coding', Buffer.from('event: a\n\n'), 'content-encoding: x-rot13\r\n', ['unsupported_coding']],
  ])('on %s changes no byte', async (_, body, fields, codes) => {
    const errors: unknown[] = [];
    const observer = createEventObserver({ events: ['message_start'], onEvent: () => undefined, onError: (error) => { errors.push(error); } });
    await using upstream = await startScriptedUpstream(answerAlways(wire(body, fields)));
    await using relay = await startRelay(upstream.origin, { relay: { observer } });
    const message = await sendRawRequest(relay.port, GET);
    expect([message.complete, message.body.equals(body)]).toEqual([true, true]);
    expect(await relay.settled()).toMatchObject({ how: 'complete', bodyBytes: body.length });
    expect(errors).toMatchObject(codes.map((code) => ({ code })));
  });

  it('reads a compressed stream before the end is told', async () => {
    const read: string[] = [];
    const observer = createEventObserver({ events: ['message_start'], onEvent: (_name, data) => { read.push(Buffer.from(data).toString()); } });
    const body = gzipSync('event: message_start\ndata: {"a":7}\n\n');
    await using upstream = await startScriptedUpstream(answerAlways(wire(body, 'content-encoding: gzip\r\n')));
    await using relay = await startRelay(upstream.origin, { relay: { observer, onSettled: () => { expect(read).toEqual(['{"a":7}']); } } });
    await sendRawRequest(relay.port, GET);
    await relay.settled();
  });
});

describe('chunking', () => {
  it('changes neither the bytes the client gets nor the events the observer sees, wherever it falls', async () => {
    const body = Buffer.from('event: a\ndata: {"t":"héllo 😀"}\n\n: c\n\nevent: b\r\ndata: 1\r\ndata: 2\r\n\r\nevent: a\ndata: \u{10ffff}\n\n');
    const whole = ['a {"t":"héllo 😀"}', 'b 1\n2', 'a \u{10ffff}'];
    let pieces: Buffer[] = [];
    let seen: string[] = [];
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
      // Half of them in a packet of their own, half together with the next.
      for (const [index, piece] of pieces.entries()) {
        connection.send(frame(piece));
        if (index % 2 === 0) await new Promise((resolve) => { setImmediate(resolve); });
      }
      connection.send('0\r\n\r\n');
    });
    await using relay = await startRelay(upstream.origin, { relay: () => {
      const observer = createEventObserver({ events: ['a', 'b'], onEvent: (name, data) => { seen.push(`${name} ${Buffer.from(data).toString()}`); } });
      return { observer };
    } });
    await fc.assert(fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: body.length - 1 }), { maxLength: 40 }), async (cuts) => {
      const ends = [...cuts.toSorted((a, b) => a - b), body.length];
      pieces = ends.map((end, index) => body.subarray(ends[index - 1] ?? 0, end));
      seen = [];
      const client = await openRawConnection(relay.port);
      client.send(GET);
      const message = await client.readMessage({ kind: 'response' });
      client.close();
      expect(message.body.equals(body)).toBe(true);
      expect(seen).toEqual(whole);
    }), { numRuns: 150 });
  });
});
