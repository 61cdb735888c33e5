import { describe, expect, it } from 'vitest';
import { startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import type { UpstreamController } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';
import { raiseStorm, startPiecewiseServer, stormClient } from './abort-storm.ts';
import { dispatchRequest, type DispatchResult } from './dispatch-request.ts';

describe('aborting a request', () => {
  it('leaves nothing behind after 500 aborts in every phase', async () => {
    await using server = await startPiecewiseServer();
    await using client = stormClient(server.origin);
    const { completed, aborted, defects, phases } = await raiseStorm(client, 500, 24, 1);
    expect(defects).toEqual([]);
    expect(completed + aborted).toBe(500);
    expect(aborted).toBeGreaterThan(250);
    expect([...phases].toSorted()).toEqual(['awaiting_head', 'connecting', 'done', 'receiving', 'sending', 'waiting']);
    while (server.open() !== client.stats().idle || client.stats().open !== client.stats().idle) await new Promise(setImmediate);
    expect(client.stats()).toMatchObject({ active: 0, waiting: 0, connecting: 0 });
    expect(server.peak()).toBeLessThanOrEqual(10);
  });

  it('an abort: closes the upstream connection at once (no tokens are paid for a client that left)', async () => {
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n');
      await connection.closed();
      resolve();
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    const { result } = dispatchRequest(client, {}, { onResponseData: (controller) => { controller.abort(new Error('gone')); } });
    const { error, controller } = await result;
    expect(error?.message).toBe('gone');
    expect(controller).toMatchObject({ aborted: true, phase: 'done', reason: error });
    await gone;
    expect(client.stats().active).toBe(0);
  });

  it('works while paused', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n');
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    const { result } = dispatchRequest(client, {}, { onResponseData: (controller) => { controller.pause(); setImmediate(() => { controller.abort(new Error('gone')); }); } });
    expect((await result).error?.message).toBe('gone');
  });

  it.each(['connecting', 'acquired', 'connected', 'released'] as const)('works from a listener of the event %s', async (name) => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(wholeResponse(200, [], 'ok'));
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    let given: UpstreamController | undefined;
    const onEvent = (): void => { given?.abort(new Error('gone')); };
    client.on(name, onEvent);
    const { endings, error } = await dispatchRequest(client, {}, { onRequestStart: (controller) => { given = controller; } }).result;
    expect([endings, error?.message]).toEqual([1, name === 'released' ? undefined : 'gone']);
    client.off(name, onEvent);
    while (client.stats().open !== client.stats().idle) await new Promise(setImmediate);
    expect(client.stats()).toMatchObject({ active: 0, connecting: 0, waiting: 0 });
  });

  it('an abort: calls the handler within the call, and only once (re-entrant aborts do nothing)', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => { await connection.nextRequest(); });
    await using client = createUpstreamClient({ origin: upstream.origin });
    const told: string[] = [];
    client.dispatch({ path: '/', method: 'POST' }, {
      onRequestStart: (controller) => {
        controller.abort(new Error('first'));
        controller.abort(new Error('second'));
        told.push('after');
      },
      onResponseError: (controller, error) => { controller.abort(new Error('third')); told.push(error.message); },
    });
    expect(told).toEqual(['first', 'after']);
    expect(upstream.connections.length).toBe(0);
    expect(client.stats()).toMatchObject({ open: 0, waiting: 0 });
  });

  it('takes a request from within an error callback (the slot is free by then)', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      const request = await connection.nextRequest();
      if (request.startLine.includes('/second')) connection.send(wholeResponse(200, [], 'ok'));
    });
    await using client = createUpstreamClient({ origin: upstream.origin, pool: { maxConnections: 1 }, timeouts: { headersMs: 150 } });
    const { promise, resolve } = Promise.withResolvers<DispatchResult>();
    client.dispatch({ path: '/first', method: 'POST' }, {
      onResponseError: () => { resolve(dispatchRequest(client, { path: '/second', timeouts: { headersMs: 60_000 } }).result); },
    });
    expect((await promise).status).toBe(200);
  });

  it.each(['onBodySent', 'onRequestSent', 'onResponseStarted', 'onResponseStart', 'onResponseData'] as const)('ends the request with the exception of its own %s', async (name) => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n');
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    const { error, endings } = await dispatchRequest(client, { body: 'x' }, { [name]: () => { throw new Error('broken handler'); } }).result;
    expect([error?.message, endings]).toEqual(['broken handler', 1]);
    expect(client.stats()).toMatchObject({ active: 0 });
  });

  it('reports an exception of onResponseError on the client, not to the process', async () => {
    await using client = createUpstreamClient({ origin: 'http://127.0.0.1:9' });
    const reported = new Promise((resolve) => { client.on('error', resolve); });
    client.dispatch({ path: 'bad', method: 'GET' }, { onResponseError: () => { throw new Error('broken handler'); } });
    expect(await reported).toMatchObject({ message: 'broken handler' });
  });
});
