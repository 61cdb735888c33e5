import { answerAlways, openRawConnection, sendRawRequest, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { FAILURE_EVENT, startRelay } from './start-relay.ts';

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const EVENT_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n';
const chunked = (text: string): string => `${Buffer.byteLength(text, 'latin1').toString(16)}\r\n${text}\r\n`;

describe('a whole response', () => {
  it('crosses with status, reason, header case, order, repeats and latin1 bytes intact', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(529, ['X-Zed', '\xe9', 'x-a', '1', 'X-A', '2'], 'over')));
    await using relay = await startRelay(upstream.origin);
    const message = await sendRawRequest(relay.port, GET);
    expect(message.startLine).toBe('HTTP/1.1 529 Scripted');
    expect(message.rawHeaders.slice(0, 8)).toEqual(['X-Zed', '\xe9', 'x-a', '1', 'X-A', '2', 'content-length', '4']);
    expect(message.body.toString()).toBe('over');
    expect(await relay.settled()).toMatchObject({ how: 'complete', headSent: true, status: 529, bodyBytes: 4, framing: 'length' });
  });
});

describe('a broken event stream', () => {
  it('gets the error event at a boundary and never a terminator (a client must not take it for whole)', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(EVENT_HEAD + chunked('event: a\ndata: 1\n\n'));
      connection.close();
    });
    await using relay = await startRelay(upstream.origin);
    const message = await sendRawRequest(relay.port, GET);
    expect(message.complete).toBe(false);
    expect(message.body.toString()).toBe(`event: a\ndata: 1\n\n${FAILURE_EVENT.toString()}`);
    expect(await relay.settled()).toMatchObject({ how: 'upstream_failed', failureEventSent: true, atBoundary: true });
  });

  it('is broken without a byte more inside an event', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(EVENT_HEAD + chunked('event: a\ndata: 1\n'));
      connection.close();
    });
    await using relay = await startRelay(upstream.origin);
    const message = await sendRawRequest(relay.port, GET);
    expect(message.complete).toBe(false);
    expect(message.body.toString()).toBe('event: a\ndata: 1\n');
    expect(await relay.settled()).toMatchObject({ how: 'upstream_failed', failureEventSent: false, atBoundary: false });
  });
});

describe('a client that leaves', () => {
  it('cancels the upstream request at once (nobody pays for a client that left)', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(EVENT_HEAD + chunked('event: a\ndata: 1\n\n'));
    });
    await using relay = await startRelay(upstream.origin);
    const client = await openRawConnection(relay.port);
    client.send(GET);
    await client.waitFor((bytes) => bytes.includes('data: 1'));
    client.close();
    await upstream.connections[0]?.closed();
    expect(await relay.settled()).toMatchObject({ how: 'client_gone', headSent: true });
  });
});
