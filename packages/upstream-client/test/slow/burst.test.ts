import { describe, expect, it } from 'vitest';
import { createUpstreamClient } from '../plain.ts';
import { dispatchRequest } from '../dispatch-request.ts';
import { startLocalServer } from '../local-server.ts';

const passed = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

describe('a burst of 1,000 requests, 60 at a time, with the defaults', () => {
  it('never uses more than 20 connections, keeps 10 a second later, and none after the keep-alive time', async () => {
    await using server = await startLocalServer((inbound, response) => {
      inbound.resume().once('end', () => { setTimeout(() => { response.end('ok'); }, 5); });
    });
    await using client = createUpstreamClient({ origin: server.origin });
    let left = 1_000;
    let open = 0;
    let peak = 0;
    let retired = 0;
    client.on('connecting', () => { open += 1; peak = Math.max(peak, open); });
    client.on('disconnected', ({ reason }) => { open -= 1; if (reason === 'retired') retired += 1; });
    await Promise.all(Array.from({ length: 60 }, async () => {
      while (left > 0) {
        left -= 1;
        expect((await dispatchRequest(client, { body: '{}' }).result).status).toBe(200);
      }
    }));
    expect(peak).toBe(20);
    // A slot that had to rest while others waited made a new connection.
    expect(server.accepted()).toBe(20 + retired);
    await passed(1_000);
    expect(server.open()).toBe(10);
    expect(client.stats()).toMatchObject({ open: 10, idle: 10 });
    await passed(27_500);
    // 28.5 s idle: still reusable. From 29 s on none is.
    expect(server.open()).toBe(10);
    await passed(2_500);
    expect(server.open()).toBe(0);
    expect(client.stats().open).toBe(0);
  });

  it('gives a waiter its error between 5.0 and 5.3 seconds', async () => {
    await using server = await startLocalServer(() => undefined);
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 1 } });
    dispatchRequest(client);
    const waits = await Promise.all(Array.from({ length: 100 }, async () => {
      const startedAt = performance.now();
      const { error } = await dispatchRequest(client).result;
      expect(error).toMatchObject({ code: 'slot_timeout' });
      return performance.now() - startedAt;
    }));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...waits)).toBeLessThan(5_300);
    const refusedAt = performance.now();
    for (let index = 0; index < 100; index += 1) dispatchRequest(client);
    expect((await dispatchRequest(client).result).error).toMatchObject({ code: 'queue_full' });
    expect(performance.now() - refusedAt).toBeLessThan(100);
  });
});
