import { gzipSync } from 'node:zlib';
import { fieldValues, openRawConnection, startScriptedUpstream, type RawConnection, type ScriptedConnection } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { FAILURE_EVENT, startRelay, type RelayServer } from './start-relay.ts';

// The table of the README, one test a cell: what broke, against where the response stood.

interface Scene { readonly connection: ScriptedConnection; readonly relay: RelayServer }
interface Failure { readonly what: string; readonly how: 'upstream_failed' | 'interrupted'; readonly strike: (scene: Scene) => void }

const FAILURES: readonly Failure[] = [
  { what: 'the upstream sends FIN without a terminator', how: 'upstream_failed', strike: ({ connection }) => { connection.socket.end(); } },
  { what: 'the upstream sends RST', how: 'upstream_failed', strike: ({ connection }) => { connection.reset(); } },
  { what: 'the upstream stalls past the idle timeout', how: 'upstream_failed', strike: () => undefined },
  { what: 'the upstream sends a bad chunk', how: 'upstream_failed', strike: ({ connection }) => { connection.send('no chunk size\r\n'); } },
  { what: 'a timeout of ours aborts the request', how: 'upstream_failed', strike: ({ relay }) => { relay.controllers[0]?.abort(new Error('idle timeout')); } },
  { what: 'the drain deadline passes', how: 'interrupted', strike: ({ relay }) => { relay.handlers[0]?.interrupt('the drain deadline passed'); } },
];

const SSE = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';
const chunked = (body: string | Buffer): Buffer => Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), Buffer.from(body), Buffer.from('\r\n')]);
const WHOLE = 'event: a\ndata: 1\n\n';
/** Ends as an event would, by chance. */
const gzip = Buffer.concat([gzipSync(WHOLE.repeat(9)).subarray(0, 20), Buffer.from('\n\n')]);

interface Place { readonly where: string; readonly wire: Buffer | undefined; readonly body: Buffer; readonly isAdded: boolean }

const PLACES: readonly Place[] = [
  { where: 'before the head', wire: undefined, body: Buffer.from('bad gateway'), isAdded: false },
  { where: 'before the first event', wire: Buffer.from(`${SSE}transfer-encoding: chunked\r\n\r\n`), body: Buffer.alloc(0), isAdded: true },
  { where: 'at an event boundary', wire: Buffer.concat([Buffer.from(`${SSE}transfer-encoding: chunked\r\n\r\n`), chunked(WHOLE)]), body: Buffer.from(WHOLE), isAdded: true },
  { where: 'inside an event', wire: Buffer.concat([Buffer.from(`${SSE}transfer-encoding: chunked\r\n\r\n`), chunked(`${WHOLE}event: b\ndata: 2\n`)]), body: Buffer.from(`${WHOLE}event: b\ndata: 2\n`), isAdded: false },
  { where: 'in a compressed stream', wire: Buffer.concat([Buffer.from(`${SSE}content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n`), chunked(gzip)]), body: gzip, isAdded: false },
  { where: 'in a stream with content-length', wire: Buffer.from(`${SSE}content-length: 999\r\n\r\n${WHOLE}`), body: Buffer.from(WHOLE), isAdded: false },
  { where: 'in a JSON body with content-length', wire: Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{"a":`), body: Buffer.from('{"a":'), isAdded: false },
  { where: 'in a chunked JSON body', wire: Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'), chunked('{"a":1}\n\n')]), body: Buffer.from('{"a":1}\n\n'), isAdded: false },
];

const isCounted = (place: Place): boolean => place.wire?.includes('content-length') === true;

async function reachPlace(place: Place, connection: ScriptedConnection, client: RawConnection): Promise<void> {
  await connection.nextRequest();
  if (place.wire === undefined) return;
  connection.send(place.wire);
  await client.waitFor((bytes) => bytes.includes('\r\n\r\n') && bytes.includes(place.body));
}

describe.concurrent.each(FAILURES)('when $what', ({ what, how, strike }) => {
  const places = PLACES.filter((place) => !(what.includes('bad chunk') && isCounted(place)));

  it.each(places)('$where, the client sees the failure and nothing else', async (place) => {
    let arrived: (connection: ScriptedConnection) => void;
    const accepted = new Promise<ScriptedConnection>((resolve) => { arrived = resolve; });
    await using upstream = await startScriptedUpstream((connection) => { arrived(connection); });
    // undici's own coarse clocks stand in for the idle timeout of a real upstream client.
    const client = !what.includes('stall') ? {} : place.wire === undefined ? { headersTimeout: 300 } : { bodyTimeout: 300 };
    await using relay = await startRelay(upstream.origin, { client });
    const reader = await openRawConnection(relay.port);
    reader.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const connection = await accepted;
    await reachPlace(place, connection, reader);
    strike({ connection, relay });

    const message = await reader.readMessage({ kind: 'response' });
    const result = await relay.settled();
    const isHeadless = place.wire === undefined;
    expect(message.body.toString('latin1')).toBe(Buffer.concat([place.body, place.isAdded ? FAILURE_EVENT : Buffer.alloc(0)]).toString('latin1'));
    expect(message.complete).toBe(isHeadless);
    expect(message.startLine).toBe(isHeadless ? 'HTTP/1.1 502 Bad Gateway' : 'HTTP/1.1 200 OK');
    expect(result).toMatchObject({ how, headSent: !isHeadless, failureEventSent: place.isAdded });
    expect(result.error).toBeInstanceOf(Error);
    await connection.closed();
    expect(relay.results).toHaveLength(1);
    reader.close();
  });
});

describe('a stream framed by connection close', () => {
  const close = async (connection: ScriptedConnection, body: string): Promise<void> => {
    await connection.nextRequest();
    connection.send(`${SSE}\r\n${body}`);
    connection.socket.end();
  };

  it('is truncated when its stop event never came (only that event tells the end from a cut)', async () => {
    await using upstream = await startScriptedUpstream((connection) => close(connection, WHOLE));
    await using relay = await startRelay(upstream.origin, { relay: { sawStop: () => false } });
    const reader = await openRawConnection(relay.port);
    reader.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const message = await reader.readMessage({ kind: 'response' });
    expect([message.complete, message.body.toString()]).toEqual([false, WHOLE + FAILURE_EVENT.toString()]);
    expect(await relay.settled()).toMatchObject({ how: 'upstream_failed', framing: 'close', error: { code: 'truncated' } });
  });

  it('is whole when its stop event came', async () => {
    await using upstream = await startScriptedUpstream((connection) => close(connection, WHOLE));
    await using relay = await startRelay(upstream.origin, { relay: { sawStop: () => true } });
    const reader = await openRawConnection(relay.port);
    reader.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const message = await reader.readMessage({ kind: 'response' });
    expect([message.complete, message.body.toString(), fieldValues(message.rawHeaders, 'transfer-encoding')]).toEqual([true, WHOLE, ['chunked']]);
    expect(await relay.settled()).toMatchObject({ how: 'complete', framing: 'close' });
  });
});

describe('an HTTP/1.0 client', () => {
  it('gets RST, not FIN, when the response breaks (FIN would end its body well)', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(Buffer.concat([Buffer.from(`${SSE}transfer-encoding: chunked\r\n\r\n`), chunked('event: a\n')]));
    });
    await using relay = await startRelay(upstream.origin);
    const reader = await openRawConnection(relay.port);
    reader.send('GET / HTTP/1.0\r\n\r\n');
    await reader.waitFor((bytes) => bytes.includes('event: a\n'));
    upstream.connections[0]?.reset();
    expect(await reader.closed()).toBe('reset');
    expect(reader.received().toString()).not.toContain('transfer-encoding');
  });

  it('gets the whole body, ended by FIN', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(Buffer.concat([Buffer.from(`${SSE}transfer-encoding: chunked\r\n\r\n`), chunked(WHOLE), Buffer.from('0\r\n\r\n')]));
    });
    await using relay = await startRelay(upstream.origin);
    const reader = await openRawConnection(relay.port);
    reader.send('GET / HTTP/1.0\r\n\r\n');
    expect(await reader.closed()).toBe('fin');
    expect(reader.received().toString().endsWith(`\r\n\r\n${WHOLE}`)).toBe(true);
    expect(await relay.settled()).toMatchObject({ how: 'complete' });
  });
});
