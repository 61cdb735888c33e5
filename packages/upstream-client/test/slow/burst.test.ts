import { describe, expect, it } from 'vitest';
import { createUpstreamClient } from '../plain.ts';
import { dispatchRequest } from '../dispatch-request.ts';
import { startLocalServer } from '../local-server.ts';

describe('a burst of 1,000 requests, 60 at a time, with the defaults', () => {
  it('never uses more than 20 connections, keeps 10 of them for the keep-alive time, and none longer', async () => {
    await using server = await startLocalServer((inbound, response) => {
      inbound.resume().once('end', () => { setTimeout(() => { response.end('ok'); }, 5); });
    });
    await using client = createUpstreamClient({ origin: server.origin });
    let left = 1_000;
    let open = 0;
    let peak = 0;
    let retired = 0;
    let made = 0;
    client.on('connecting', () => { made += 1; open += 1; peak = Math.max(peak, open); });
    client.on('disconnected', ({ reason }) => { open -= 1; if (reason === 'retired') retired += 1; });
    let lastDispatchAt = 0;
    await Promise.all(Array.from({ length: 60 }, async () => {
      while (left > 0) {
        left -= 1;
        lastDispatchAt = performance.now();
        expect((await dispatchRequest(client, { body: '{}' }).result).status).toBe(200);
      }
    }));
    expect(peak).toBe(20);
    // A slot that had to rest while others waited made a new connection; the last of them may have found no one waiting.
    await expect.poll(() => server.accepted()).toBe(made);
    expect(made).toBeLessThanOrEqual(20 + retired);
    await expect.poll(() => server.open()).toBe(10);
    expect(client.stats()).toMatchObject({ open: 10, idle: 10 });
    // At the last dispatch none was idle.
    const idleTimes: number[] = [];
    client.on('disconnected', ({ reason }) => { if (reason === 'idle_expired') idleTimes.push(performance.now() - lastDispatchAt); });
    await expect.poll(() => server.open(), { timeout: 120_000 }).toBe(0);
    expect(client.stats().open).toBe(0);
    // After 28.5 s they are still reusable; from 29 s on none is.
    expect(idleTimes).toHaveLength(10);
    expect(Math.min(...idleTimes)).toBeGreaterThan(28_500);
  });

  it('gives a waiter its error after 5 seconds, and refuses the one that is too many within a turn of the event loop', async () => {
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
    // How late the clock may be is shown by its own test, on a clock of the test's own.
    expect(Math.max(...waits)).toBeLessThan(50_000);
    for (let index = 0; index < 100; index += 1) dispatchRequest(client);
    const { result } = dispatchRequest(client);
    expect(await Promise.race([result, new Promise((resolve) => { setImmediate(resolve); })])).toMatchObject({ error: { code: 'queue_full' } });
  });
});
