import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { raiseStorm, startPiecewiseServer, stormClient } from '../abort-storm.ts';

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** Heap in use after everything that can be collected was. */
async function settledHeap(): Promise<number> {
  if (typeof collect !== 'function') throw new Error('no gc function');
  for (let round = 0; round < 4; round += 1) {
    collect();
    await new Promise(setImmediate);
  }
  return process.memoryUsage().heapUsed;
}

describe('a storm of 10,000 aborts in every phase', () => {
  it('leaves no slot, no waiter, no socket, no listener and no memory behind', async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => { rejections.push(reason); };
    process.on('unhandledRejection', note);
    await using server = await startPiecewiseServer();
    await using client = stormClient(server.origin);
    // The warm start: code compiled, pools of buffers filled.
    await raiseStorm(client, 3_000, 24, 7);
    const heapBefore = await settledHeap();
    const listenersBefore = process.eventNames().map((name) => process.listenerCount(name));

    const { completed, aborted, defects, phases } = await raiseStorm(client, 10_000, 24, 42);
    expect(defects).toEqual([]);
    expect(completed + aborted).toBe(10_000);
    expect(phases.size).toBe(6);
    while (server.open() !== client.stats().idle || client.stats().open !== client.stats().idle) await new Promise(setImmediate);
    expect(client.stats()).toMatchObject({ active: 0, waiting: 0, connecting: 0 });
    for (const socket of server.sockets) expect(socket.destroyed).toBe(false);
    expect(process.eventNames().map((name) => process.listenerCount(name))).toEqual(listenersBefore);
    const growth = await settledHeap() - heapBefore;
    // 10,000 forgotten requests would be tens of megabytes.
    expect(growth).toBeLessThan(2_000_000);
    process.off('unhandledRejection', note);
    expect(rejections).toEqual([]);
  });
});
