import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { UpstreamClient, UpstreamClientEvents } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest, failureCode } from './dispatch-request.ts';
import { startHolding } from './holding-server.ts';
import { startLocalServer } from './local-server.ts';

/** The next event of a name; the client is an event emitter, its typed `once` has no promise form. */
function nextEvent<Name extends keyof UpstreamClientEvents>(client: UpstreamClient, name: Name): Promise<UpstreamClientEvents[Name]> {
  return new Promise((resolve) => { client.once(name, resolve); });
}

describe('the slot pool', () => {
  it('never opens more connections than slots, and keeps only the idle ones it may keep', async () => {
    await using server = await startLocalServer((inbound, response) => { inbound.resume().once('end', () => { response.end('ok'); }); });
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 8, maxKeepAliveConnections: 3 } });
    let open = 0;
    let peak = 0;
    client.on('connecting', () => { open += 1; peak = Math.max(peak, open); });
    client.on('disconnected', () => { open -= 1; });
    const results = await Promise.all(Array.from({ length: 60 }, () => dispatchRequest(client, { body: 'x' }).result));
    expect(results.every(({ status }) => status === 200)).toBe(true);
    expect(peak).toBe(8);
    while (server.open() > 3) await new Promise(setImmediate);
    expect(client.stats()).toMatchObject({ open: 3, idle: 3, active: 0, connecting: 0, waiting: 0 });
  });

  it('refuses the waiter beyond the queue at once, and serves the others in their order', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 1, maxWaiting: 3 } });
    const order: number[] = [];
    const sent = [0, 1, 2, 3].map((index) => dispatchRequest(client, {}, { onResponseEnd: () => { order.push(index); } }).result);
    expect(client.stats()).toMatchObject({ waiting: 3, connecting: 1 });
    // Within a turn of the event loop: it waits for neither a slot nor a clock.
    const refused = await Promise.race([dispatchRequest(client).result, new Promise((resolve) => { setImmediate(resolve); })]);
    expect(refused).toMatchObject({ error: { code: 'queue_full', phase: 'waiting', retryable: true } });
    expect(client.stats()).toMatchObject({ waiting: 3 });
    for (let index = 0; index < 4; index += 1) { await server.arrived(index + 1); server.answer(); }
    await Promise.all(sent);
    expect(order).toEqual([0, 1, 2, 3]);
    expect(server.accepted()).toBe(1);
  });

  it('ends a wait at its deadline, measured from dispatch, and the slot is not lost', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 1 }, timeouts: { slotWaitMs: 200 } });
    const rejected = nextEvent(client, 'rejected');
    const first = dispatchRequest(client);
    const startedAt = performance.now();
    const { error } = await dispatchRequest(client).result;
    const waited = performance.now() - startedAt;
    expect(error).toMatchObject({ code: 'slot_timeout', phase: 'waiting', retryable: true });
    expect(waited).toBeGreaterThanOrEqual(200);
    expect(await rejected).toEqual({ reason: 'timeout' });
    await server.arrived(1);
    server.answer();
    expect((await first.result).status).toBe(200);
    const next = dispatchRequest(client);
    await server.arrived(2);
    server.answer();
    expect((await next.result).status).toBe(200);
  });

  it('forgets a waiter that leaves (its place goes to the next one)', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 1 } });
    const first = dispatchRequest(client);
    const leaver = dispatchRequest(client, { path: '/leaver' });
    const stayer = dispatchRequest(client, { path: '/stayer' });
    expect(leaver.controller.phase).toBe('waiting');
    leaver.controller.abort(new Error('client gone'));
    expect(leaver.controller.phase).toBe('done');
    expect(client.stats().waiting).toBe(1);
    expect((await leaver.result).error?.message).toBe('client gone');
    await server.arrived(1);
    server.answer();
    await first.result;
    await server.arrived(2);
    expect(server.held[0]?.req.url).toBe('/stayer');
    server.answer();
    expect((await stayer.result).status).toBe(200);
  });

  it('gives the connection under way to the oldest waiter when its request leaves', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 1 } });
    const leaver = dispatchRequest(client);
    const waiter = dispatchRequest(client);
    expect(leaver.controller.phase).toBe('connecting');
    leaver.controller.abort(new Error('client gone'));
    await server.arrived(1);
    server.answer();
    expect((await waiter.result).status).toBe(200);
    expect(server.accepted()).toBe(1);
  });

  it('rests a connection for a turn before its next request (what the upstream sent unasked must show first)', async () => {
    await using server = await startLocalServer((_inbound, response) => { response.end('ok'); });
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 1 } });
    const { promise: phaseAtEnd, resolve } = Promise.withResolvers<string>();
    const waiter = { result: Promise.resolve() as Promise<unknown> };
    await dispatchRequest(client, {}, {
      onResponseEnd: () => {
        const next = dispatchRequest(client);
        waiter.result = next.result;
        queueMicrotask(() => { resolve(next.controller.phase); });
      },
    }).result;
    expect(await phaseAtEnd).toBe('waiting');
    expect(await waiter.result).toMatchObject({ status: 200, controller: { reusedConnection: true } });
    expect(server.accepted()).toBe(1);
  });

  it('closes an idle connection before its expiry and reuses none in its last part (the upstream may be closing it)', async () => {
    await using server = await startLocalServer((inbound, response) => { inbound.resume().once('end', () => { response.end('ok'); }); });
    await using client = createUpstreamClient({ origin: server.origin, pool: { keepAliveExpiryMs: 400 } });
    const disconnected = nextEvent(client, 'disconnected');
    await dispatchRequest(client).result;
    const idleAt = performance.now();
    expect(await disconnected).toEqual({ reason: 'idle_expired' });
    expect(performance.now() - idleAt).toBeGreaterThanOrEqual(190);
    expect(client.stats().open).toBe(0);
    expect((await dispatchRequest(client).result).controller?.reusedConnection).toBe(false);
  });

  it('grows at once, and shrinks as connections come back', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 1, maxKeepAliveConnections: 1 } });
    const sent = [1, 2, 3, 4].map(() => dispatchRequest(client).result);
    expect(client.stats()).toMatchObject({ connecting: 1, waiting: 3 });
    client.resize({ maxConnections: 4 });
    expect(client.stats()).toMatchObject({ connecting: 4, waiting: 0, maxConnections: 4, maxKeepAliveConnections: 1 });
    await server.arrived(4);
    client.resize({ maxConnections: 2, maxKeepAliveConnections: 2 });
    expect(client.stats()).toMatchObject({ active: 4, open: 4 });
    for (let index = 0; index < 4; index += 1) server.answer();
    await Promise.all(sent);
    while (server.open() > 2) await new Promise(setImmediate);
    expect(client.stats()).toMatchObject({ open: 2, idle: 2 });
    client.resize({ maxKeepAliveConnections: 0 });
    while (server.open() > 0) await new Promise(setImmediate);
    expect(client.stats().open).toBe(0);
  });

  it('the slot pool: emits every step as an event, with the time each request waited', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 1 } });
    const log: string[] = [];
    client.on('acquired', ({ source, waitMs }) => { log.push(`acquired ${source} ${waitMs >= 0}`); });
    client.on('released', ({ heldMs }) => { log.push(`released ${heldMs >= 0}`); });
    client.on('connecting', () => { log.push('connecting'); });
    client.on('connected', ({ durationMs }) => { log.push(`connected ${durationMs >= 0}`); });
    client.on('disconnected', ({ reason }) => { log.push(`disconnected ${reason}`); });
    const sent = [dispatchRequest(client).result, dispatchRequest(client).result];
    await server.arrived(1);
    server.answer();
    await server.arrived(2);
    server.answer();
    await Promise.all(sent);
    await client.close();
    expect(log).toEqual([
      'connecting', 'acquired new true', 'connected true', 'released true',
      'acquired queued true', 'released true', 'disconnected shutdown',
    ]);
  });

  it('goes on when a listener throws (observing never hurts)', async () => {
    await using server = await startLocalServer((_inbound, response) => { response.end('ok'); });
    await using client = createUpstreamClient({ origin: server.origin });
    const errors: unknown[] = [];
    client.on('error', (error) => { errors.push(error); });
    client.on('acquired', () => { throw new Error('broken listener'); });
    expect((await dispatchRequest(client).result).status).toBe(200);
    expect(errors).toMatchObject([{ message: 'broken listener' }]);
  });

  it('takes no new requests while closing, finishes the others, and destroys what outlives the grace', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 1 } });
    const first = dispatchRequest(client);
    const second = dispatchRequest(client);
    await server.arrived(1);
    // The grace passes only when both requests are where they belong.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => { vi.useRealTimers(); });
    const closed = client.close({ graceMs: 150 });
    expect(await failureCode(dispatchRequest(client).result)).toBe('draining');
    server.answer();
    expect((await first.result).status).toBe(200);
    await server.arrived(2);
    await vi.advanceTimersByTimeAsync(150);
    expect((await second.result).error).toMatchObject({ code: 'draining', phase: 'awaiting_head', retryable: false });
    await closed;
    expect(client.stats()).toMatchObject({ open: 0, waiting: 0 });
  });

  it('ends waiting, connecting and running requests when destroyed, with the error it was given', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 2 } });
    const running = dispatchRequest(client);
    await server.arrived(1);
    const connecting = dispatchRequest(client);
    const waiting = dispatchRequest(client);
    const destroyed = client.destroy(new Error('going down'));
    for (const { result } of [running, connecting, waiting]) expect((await result).error?.message).toBe('going down');
    await destroyed;
    expect(client.stats()).toMatchObject({ open: 0, active: 0, waiting: 0, connecting: 0 });
    while (server.open() > 0) await new Promise(setImmediate);
  });

  it('emits drain when the queue is empty again (undici callers wait for it)', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 1 } });
    const handler = { onRequestStart: () => undefined, onResponseStart: () => undefined, onResponseData: () => undefined, onResponseEnd: () => undefined, onResponseError: () => undefined };
    expect(client.dispatch({ path: '/', method: 'GET' }, handler)).toBe(true);
    expect(client.dispatch({ path: '/', method: 'GET' }, handler)).toBe(false);
    const drained = new Promise<void>((resolve) => { client.once('drain', () => { resolve(); }); });
    await server.arrived(1);
    server.answer();
    await server.arrived(2);
    await drained;
    server.answer();
  });
});

