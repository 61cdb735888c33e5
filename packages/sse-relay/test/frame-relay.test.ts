import { Buffer } from 'node:buffer';
import { openRawConnection, startScriptedUpstream, type ScriptedConnection } from '@penstock/test-support';
import { expect, it } from 'vitest';
import { encodeExceptionFrame, encodeFrame } from '../src/index.ts';
import { startRelay } from './start-relay.ts';

const FRAME = encodeFrame({ ':message-type': 'event', ':event-type': 'chunk' }, Buffer.from('{"bytes":"eyJ0eXBlIjoicGluZyJ9"}'));
const EXCEPTION = encodeExceptionFrame('internalServerException', 'The upstream connection was lost.');
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n';
const chunked = (body: Buffer): Buffer => Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]);

interface Read { readonly body: string; readonly isComplete: boolean; readonly failureEventSent: boolean; readonly isEventStream: boolean }

async function readThrough(serve: (connection: ScriptedConnection) => void, sawStop?: boolean): Promise<Read> {
  await using upstream = await startScriptedUpstream(async (connection) => { await connection.nextRequest(); serve(connection); });
  await using relay = await startRelay(upstream.origin, { relay: { failureFrame: () => EXCEPTION, ...(sawStop === undefined ? {} : { sawStop: () => sawStop }) } });
  const reader = await openRawConnection(relay.port);
  reader.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const message = await reader.readMessage({ kind: 'response' });
  const { failureEventSent, isEventStream } = await relay.settled();
  reader.close();
  return { body: message.body.toString('latin1'), isComplete: message.complete, failureEventSent, isEventStream };
}

const latin1 = (...parts: readonly Buffer[]): string => Buffer.concat(parts).toString('latin1');

it('a stream of frames cut at any byte is a prefix, followed by the exception frame at a boundary and by nothing elsewhere', async () => {
  const body = Buffer.concat([FRAME, FRAME]);
  const boundaries = [0, FRAME.length, 2 * FRAME.length];
  const cuts = Array.from({ length: body.length + 1 }, (_, index) => index);
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (let cut = cuts.pop(); cut !== undefined; cut = cuts.pop()) {
      const sent = body.subarray(0, cut);
      const read = await readThrough((connection) => {
        connection.send(Buffer.concat([Buffer.from(`${HEAD}transfer-encoding: chunked\r\n\r\n`), ...(cut === 0 ? [] : [chunked(sent)])]));
        connection.socket.end();
      });
      const isBoundary = boundaries.includes(cut);
      expect([cut, read]).toEqual([cut, { body: latin1(sent, isBoundary ? EXCEPTION : Buffer.alloc(0)), isComplete: false, failureEventSent: isBoundary, isEventStream: true }]);
    }
  }));
});

it('a whole stream of frames is relayed as it came', async () => {
  const read = await readThrough((connection) => { connection.send(Buffer.concat([Buffer.from(`${HEAD}transfer-encoding: chunked\r\n\r\n`), chunked(FRAME), Buffer.from('0\r\n\r\n')])); });
  expect(read).toEqual({ body: latin1(FRAME), isComplete: true, failureEventSent: false, isEventStream: true });
});

it('a stream of frames that only the close ends is cut when its stop event never came', async () => {
  const serve = (connection: ScriptedConnection): void => { connection.socket.end(Buffer.concat([Buffer.from(`${HEAD}\r\n`), FRAME])); };
  expect(await readThrough(serve, false)).toMatchObject({ body: latin1(FRAME, EXCEPTION), isComplete: false });
  expect(await readThrough(serve, true)).toMatchObject({ body: latin1(FRAME), isComplete: true });
});

it('no comment and no text event is written into a stream of frames', async () => {
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send(Buffer.concat([Buffer.from(`${HEAD}transfer-encoding: chunked\r\n\r\n`), chunked(FRAME)]));
  });
  // A clock of a millisecond: a comment would be written many times before the idle timeout of the upstream's connection ends the stream.
  await using relay = await startRelay(upstream.origin, { relay: { keepAlive: { intervalMs: 1 } }, client: { bodyTimeout: 300 } });
  const reader = await openRawConnection(relay.port);
  reader.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const message = await reader.readMessage({ kind: 'response' });
  expect([message.body.toString('latin1'), message.complete]).toEqual([latin1(FRAME), false]);
  expect(await relay.settled()).toMatchObject({ keepAlivesSent: 0, failureEventSent: false });
  reader.close();
});
