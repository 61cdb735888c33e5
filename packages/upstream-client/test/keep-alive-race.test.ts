import { startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import type { DisconnectReason } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';

describe('the keep-alive race', () => {
  it.each(['fin', 'reset'] as const)('moves a request whose bytes were not written to another connection (%s seen before writing)', async (how) => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      while (connection.end() === 'open') {
        const request = await connection.nextRequest(60_000);
        if (!request.complete) return;
        connection.send(wholeResponse(200, [], `connection ${connection.index}`));
      }
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    for (let round = 0; round < 40; round += 1) {
      expect((await dispatchRequest(client, { body: 'x' }).result).status).toBe(200);
      const latest = upstream.connections.at(-1);
      // Closed in the same turn in which the next request is dispatched: the client cannot know yet.
      if (how === 'fin') latest?.socket.end(); else latest?.reset();
      const { error, status, endings } = await dispatchRequest(client, { body: 'y' }).result;
      expect([status, error]).toEqual([200, undefined]);
      expect(endings).toBe(1);
    }
    // Never sent twice: every arrival has its own response.
    expect(upstream.requests.length).toBe(80);
    expect(client.stats()).toMatchObject({ active: 0, waiting: 0, connecting: 0 });
  });

  it('ends a request that was written in reset, counts it, and never sends it twice', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(wholeResponse(200, [], 'ok'));
      const second = await connection.nextRequest(60_000);
      if (second.complete) connection.socket.end();
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    const reasons: DisconnectReason[] = [];
    client.on('disconnected', ({ reason }) => { reasons.push(reason); });
    await dispatchRequest(client, { body: 'x' }).result;
    const { error, controller } = await dispatchRequest(client, { body: 'y' }).result;
    expect(error).toMatchObject({ code: 'reset', phase: 'awaiting_head', retryable: false });
    expect(controller?.reusedConnection).toBe(true);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(reasons).toEqual(['reset_on_reuse']);
    expect(upstream.requests.length).toBe(2);
  });

  it('gives a streamed body whole to the second connection (nothing of it was read for the first)', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      while (connection.end() === 'open') {
        const request = await connection.nextRequest(60_000);
        if (!request.complete) return;
        connection.send(wholeResponse(200, [], request.body.toString()));
      }
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    await dispatchRequest(client, { body: 'x' }).result;
    upstream.connections[0]?.socket.end();
    async function* body(): AsyncGenerator<Uint8Array> { yield Buffer.from('one '); yield Buffer.from('two'); }
    const { error, body: echoed } = await dispatchRequest(client, { body: body() }).result;
    expect([error, echoed]).toEqual([undefined, 'one two']);
  });

  it('ends in reset when the replacement dies unused as well (no loop)', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      if (connection.index > 0) { connection.reset(); return; }
      await connection.nextRequest();
      connection.send(wholeResponse(200, [], 'ok'));
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    await dispatchRequest(client).result;
    upstream.connections[0]?.reset();
    const { error } = await dispatchRequest(client).result;
    expect(['reset', 'unreachable']).toContain(error !== undefined && 'code' in error ? error.code : 'none');
    expect(upstream.connections.length).toBeLessThanOrEqual(3);
    expect(client.stats()).toMatchObject({ active: 0, waiting: 0, connecting: 0 });
  });
});
