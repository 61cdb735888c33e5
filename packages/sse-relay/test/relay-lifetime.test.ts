// What a relay does before its request starts and after its response ended, when the client is not there to see.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { answerAlways, openRawConnection, startScriptedUpstream, wholeResponse, type ScriptedConnection } from '@penstock/test-support';
import { Client, type Dispatcher } from 'undici';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRelayHandler, type RelayHandler, type RelayOptions, type RelayResult } from '../src/index.ts';
import { FAILURE_EVENT, startRelay } from './start-relay.ts';

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const SSE = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';
const nextTurn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

afterEach(() => { vi.useRealTimers(); });

describe('a client that is gone before its request starts', () => {
  interface Departure { readonly results: RelayResult[]; readonly controllers: Dispatcher.DispatchController[]; readonly create: (response: ServerResponse) => RelayHandler }

  /** Takes one request, lets the client leave, and gives the response to `serve`. */
  async function afterLeaving(serve: (response: ServerResponse, departure: Departure, left: Promise<unknown>) => Promise<RelayHandler>): Promise<Departure> {
    const results: RelayResult[] = [];
    const controllers: Dispatcher.DispatchController[] = [];
    const departure: Departure = {
      results, controllers,
      create: (response) => createRelayHandler(response, {
        onStart: (controller) => { controllers.push(controller); }, onHead: () => undefined, onSettled: (result) => { results.push(result); },
      }),
    };
    await using upstream = await startScriptedUpstream(async (connection) => { await connection.nextRequest(); });
    const client = new Client(upstream.origin);
    const served = Promise.withResolvers<void>();
    const server = createServer((_, response) => {
      const left = once(response, 'close');
      void serve(response, departure, left).then((handler) => { client.dispatch({ path: '/', method: 'GET' }, handler); served.resolve(); return undefined; });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const reader = await openRawConnection(typeof address === 'object' && address !== null ? address.port : 0);
    reader.send(GET);
    await once(server, 'request');
    reader.close();
    await served.promise;
    while (controllers.length === 0) await nextTurn();
    // A request that was not aborted would keep this waiting, for its upstream never answers.
    await client.close();
    server.close();
    return departure;
  }

  it('a client that leaves: aborts the upstream request also when its relay had settled (no tokens are paid for in vain)', async () => {
    const { results, controllers } = await afterLeaving(async (response, { create }, left) => {
      const handler = create(response);
      await left;
      return handler;
    });
    expect(results).toMatchObject([{ how: 'client_gone', headSent: false }]);
    expect(controllers.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it('leaves none behind when it had left before there was a relay, and is settled as gone', async () => {
    const { results, controllers } = await afterLeaving(async (response, { create }, left) => {
      await left;
      return create(response);
    });
    expect(results).toMatchObject([{ how: 'client_gone', headSent: false }]);
    expect(controllers.map(({ aborted }) => aborted)).toEqual([true]);
  });
});

describe('the failure event', () => {
  const broken = async (connection: ScriptedConnection): Promise<void> => {
    await connection.nextRequest();
    connection.send(`${SSE}transfer-encoding: chunked\r\n\r\n`);
  };

  it('stays on the line for its time before the connection breaks (a client would throw it away with the connection)', async () => {
    await using upstream = await startScriptedUpstream(broken);
    await using relay = await startRelay(upstream.origin, { relay: { failureLingerMs: 1_000 } });
    const reader = await openRawConnection(relay.port);
    reader.send(GET);
    await reader.waitFor((bytes) => bytes.includes('\r\n\r\n'));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    upstream.connections[0]?.reset();
    await reader.waitFor((bytes) => bytes.includes(FAILURE_EVENT));
    vi.advanceTimersByTime(999);
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    expect([reader.end(), relay.results.length]).toEqual(['open', 0]);
    vi.advanceTimersByTime(1);
    await reader.closed();
    expect(await relay.settled()).toMatchObject({ how: 'upstream_failed', failureEventSent: true });
  });

  it('is not waited for when the drain deadline passes meanwhile', async () => {
    await using upstream = await startScriptedUpstream(broken);
    await using relay = await startRelay(upstream.origin, { relay: { failureLingerMs: 600_000 } });
    const reader = await openRawConnection(relay.port);
    reader.send(GET);
    await reader.waitFor((bytes) => bytes.includes('\r\n\r\n'));
    upstream.connections[0]?.reset();
    await reader.waitFor((bytes) => bytes.includes(FAILURE_EVENT));
    relay.handlers[0]?.interrupt('the drain deadline passed');
    await reader.closed();
    expect(await relay.settled()).toMatchObject({ how: 'upstream_failed', failureEventSent: true });
  });
});

describe('a stream that is not framed by connection close', () => {
  it.each([
    ['chunked', `${SSE}transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n0\r\n\r\n`], ['counted', `${SSE}content-length: 9\r\n\r\ndata: 1\n\n`],
  ])('is whole when its framing says so, whether its stop event came or not: %s', async (_, wire) => {
    await using upstream = await startScriptedUpstream(answerAlways(wire));
    await using relay = await startRelay(upstream.origin, { relay: { sawStop: () => false } });
    const reader = await openRawConnection(relay.port);
    reader.send(GET);
    const message = await reader.readMessage({ kind: 'response' });
    expect([message.complete, message.body.toString()]).toEqual([true, 'data: 1\n\n']);
    expect(await relay.settled()).toMatchObject({ how: 'complete' });
    reader.close();
  });
});

describe('a response that has ended', () => {
  it('leaves no timer behind, whatever clocks it had', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(`${SSE}transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n0\r\n\r\n`));
    const timersAfter = async (options: Partial<RelayOptions>): Promise<number> => {
      await using relay = await startRelay(upstream.origin, { relay: options });
      const reader = await openRawConnection(relay.port);
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
      reader.send(GET);
      await relay.settled();
      await reader.readMessage({ kind: 'response' });
      const count = vi.getTimerCount();
      vi.useRealTimers();
      reader.close();
      return count;
    };
    // The others are undici's.
    const without = await timersAfter({});
    expect(await timersAfter({ keepAlive: { intervalMs: 1_000 } })).toBe(without);
  });

  it('takes no head any more (a dispatcher may still have one on its way when the drain deadline passes)', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => { await connection.nextRequest(); });
    let heads = 0;
    await using relay = await startRelay(upstream.origin, { relay: { onHead: () => { heads += 1; return undefined; } } });
    const reader = await openRawConnection(relay.port);
    reader.send(GET);
    while (upstream.requests.length === 0) await nextTurn();
    const [handler, controller] = [relay.handlers[0], relay.controllers[0]];
    handler?.interrupt('the drain deadline passed');
    if (controller !== undefined) handler?.onResponseStart?.(controller, 200, { 'content-type': 'text/plain' }, 'OK');
    expect((await reader.readMessage({ kind: 'response' })).startLine).toBe('HTTP/1.1 502 Bad Gateway');
    expect([heads, relay.results.length]).toEqual([0, 1]);
    reader.close();
  });

  it('relays an answer whose controller lets nothing release its fields', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => { await connection.nextRequest(); });
    await using relay = await startRelay(upstream.origin);
    const reader = await openRawConnection(relay.port);
    reader.send(GET);
    while (upstream.requests.length === 0) await nextTurn();
    const handler = relay.handlers[0];
    const controller = Object.freeze({ rawHeaders: ['content-length', '2'], rawTrailers: null }) as unknown as Dispatcher.DispatchController;
    handler?.onResponseStart?.(controller, 200, {}, 'OK');
    handler?.onResponseData?.(controller, Buffer.from('ok'));
    handler?.onResponseEnd?.(controller, {});
    const message = await reader.readMessage({ kind: 'response' });
    expect([message.startLine, message.body.toString()]).toEqual(['HTTP/1.1 200 OK', 'ok']);
    expect(controller.rawHeaders).toEqual(['content-length', '2']);
    reader.close();
  });
});

describe('a connection that serves many responses', () => {
  it('gathers no listeners, also of those that waited behind another one', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, [], 'x')));
    await using relay = await startRelay(upstream.origin);
    const reader = await openRawConnection(relay.port);
    const listeners = (): number => relay.responses[0]?.req.socket.listenerCount('close') ?? 0;
    const counts: number[] = [];
    for (let round = 1; round <= 3; round += 1) {
      reader.send(GET + GET);
      await relay.settled(2 * round);
      await nextTurn();
      counts.push(listeners());
    }
    expect(counts).toEqual([counts[0], counts[0], counts[0]]);
    reader.close();
  });
});

describe('a client that does not read', () => {
  it('is given up when the stall clock runs out over a body that is finished but not taken', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(`${SSE}content-length: 40000000\r\n\r\n`);
      connection.socket.write(Buffer.alloc(40_000_000));
    });
    await using relay = await startRelay(upstream.origin, { server: { highWaterMark: 64_000_000 }, relay: { clientStallMs: 60_000 } });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const client = connect({ port: relay.port, host: '127.0.0.1' });
    client.on('error', () => undefined);
    client.pause();
    client.write(GET);
    while (relay.responses[0]?.writableEnded !== true) await nextTurn();
    vi.advanceTimersByTime(59_999);
    expect(relay.results).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(await relay.settled()).toMatchObject({ how: 'client_stalled', bodyBytes: 40_000_000 });
    client.destroy();
  });

  it('makes no gap of the upstream\'s: the time it was paused is not counted', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(`${SSE}content-length: 20000000\r\n\r\n`);
      connection.socket.write(Buffer.alloc(20_000_000));
    });
    await using relay = await startRelay(upstream.origin, { relay: { clientStallMs: 3_600_000 } });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const client = connect({ port: relay.port, host: '127.0.0.1' });
    client.pause();
    client.write(GET);
    while (relay.controllers[0]?.paused !== true) await nextTurn();
    vi.advanceTimersByTime(600_000);
    client.resume();
    const result = await relay.settled();
    expect(result).toMatchObject({ how: 'complete', bodyBytes: 20_000_000 });
    expect(result.largestGapMs).toBeLessThan(600_000);
    client.destroy();
  });
});
