import { startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n';

async function timed<T>(work: Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const startedAt = performance.now();
  return { value: await work, ms: performance.now() - startedAt };
}

/** From here on time passes only when the test says so; sockets go on by themselves. */
function stopTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => { vi.useRealTimers(); });
}

describe('the clocks of a request', () => {
  it('ends a connection attempt that gets no answer in connect_timeout, TLS handshake included', async () => {
    // Accepts the connection and never says a word of TLS.
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    await using client = createUpstreamClient({ origin: `https://127.0.0.1:${port}`, timeouts: { connectMs: 200 } });
    const { value, ms } = await timed(dispatchRequest(client).result);
    expect(value.error).toMatchObject({ code: 'connect_timeout', phase: 'connecting', retryable: true });
    expect(ms).toBeGreaterThanOrEqual(100);
    expect(client.stats().open).toBe(0);
    server.close();
  });

  it('lets a request have its own clocks, over those of the client', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => { await connection.nextRequest(); });
    await using client = createUpstreamClient({ origin: upstream.origin, timeouts: { headersMs: 60_000 } });
    const { error } = await dispatchRequest(client, { timeouts: { headersMs: 150 } }).result;
    expect(error).toMatchObject({ code: 'headers_timeout', phase: 'awaiting_head', retryable: false });
  });

  it('starts the headers clock when the request was sent, not before (a slow upload has its own clock)', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(wholeResponse(200, [], 'ok'));
    });
    await using client = createUpstreamClient({ origin: upstream.origin, timeouts: { headersMs: 250, writeStallMs: 2_000 } });
    stopTime();
    async function* slowBody(): AsyncGenerator<Uint8Array> {
      for (let index = 0; index < 5; index += 1) {
        yield Buffer.from('piece');
        await vi.advanceTimersByTimeAsync(100);
      }
    }
    const { status, controller } = await dispatchRequest(client, { body: slowBody() }).result;
    expect(status).toBe(200);
    const { enqueuedAt, sentAt = 0 } = controller?.timings ?? { enqueuedAt: 0 };
    expect(sentAt - enqueuedAt).toBeGreaterThanOrEqual(500);
  });

  it('applies new clocks to requests dispatched later', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => { await connection.nextRequest(); });
    await using client = createUpstreamClient({ origin: upstream.origin });
    client.setTimeouts({ headersMs: 100 });
    expect((await dispatchRequest(client).result).error).toMatchObject({ code: 'headers_timeout' });
  });

  it('stops the idle clock while paused, and starts it afresh on resume', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(`${HEAD}abc`);
    });
    await using client = createUpstreamClient({ origin: upstream.origin, timeouts: { idleMs: 200 } });
    stopTime();
    const { promise: paused, resolve } = Promise.withResolvers<void>();
    const { result, controller } = dispatchRequest(client, {}, { onResponseData: (given) => { given.pause(); resolve(); } });
    await paused;
    await vi.advanceTimersByTimeAsync(600);
    expect(controller.phase).toBe('receiving');
    controller.resume();
    await vi.advanceTimersByTimeAsync(199);
    expect(controller.phase).toBe('receiving');
    await vi.advanceTimersByTimeAsync(2);
    expect((await result).error).toMatchObject({ code: 'idle_timeout', phase: 'receiving' });
  });

  it('delivers nothing while paused, and everything after resume', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(wholeResponse(200, [], Buffer.alloc(400_000, 'a')));
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    let isPaused = false;
    let whilePaused = 0;
    const { result } = dispatchRequest(client, {}, {
      onResponseData: (controller) => {
        if (isPaused) whilePaused += 1;
        controller.pause();
        isPaused = true;
        setImmediate(() => { isPaused = false; controller.resume(); });
      },
    });
    const { body, status } = await result;
    expect(status).toBe(200);
    expect(body.length).toBe(400_000);
    expect(whilePaused).toBe(0);
  });

  it('does not count the time a body waits for its own source as a write stall', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(wholeResponse(200, [], 'ok'));
    });
    await using client = createUpstreamClient({ origin: upstream.origin, timeouts: { writeStallMs: 200 } });
    stopTime();
    async function* lateBody(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('first');
      await vi.advanceTimersByTimeAsync(600);
      yield Buffer.from('second');
    }
    expect(await dispatchRequest(client, { body: lateBody() }).result).toMatchObject({ status: 200 });
  });

  it('records when each phase began, in order', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(wholeResponse(200, [], 'ok'));
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    const phases: string[] = [];
    const { result } = dispatchRequest(client, { body: 'x' }, {
      onRequestStart: (controller) => { phases.push(controller.phase); },
      onResponseStart: (_controller, status) => { phases.push(String(status)); },
    });
    const { controller } = await result;
    const { enqueuedAt, acquiredAt = 0, connectedAt = 0, sentAt = 0, headAt = 0 } = controller?.timings ?? { enqueuedAt: 0 };
    const order = [enqueuedAt, acquiredAt, connectedAt, sentAt, headAt];
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(enqueuedAt).toBeGreaterThan(0);
    expect(phases).toEqual(['waiting', '200']);
    expect(controller?.phase).toBe('done');
  });
});
