import { describe, expect, it } from 'vitest';
import { resolvePool } from '../src/options.ts';
import { SlotShares } from '../src/pool/slot-shares.ts';
import type { UpstreamClient } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest, failureCode } from './dispatch-request.ts';
import { startHolding, type HoldingServer } from './holding-server.ts';
import { FakeHolder } from './slot-pool-reference.ts';

/** Answers so many requests, each when it comes, after `answered` others. */
async function serveAll(server: HoldingServer, count: number, answered = 0): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await server.arrived(answered + index + 1);
    server.answer();
  }
}

const ask = (client: UpstreamClient, name: string, path = `/${name}`): Promise<unknown> => dispatchRequest(client, { client: name, path }).result;

describe('a freed slot', () => {
  it('goes to the waiting client that holds fewest (a client that asks for much does not keep another waiting)', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 2 } });
    const sent = Array.from({ length: 6 }, () => ask(client, 'greedy'));
    await server.arrived(2);
    sent.push(ask(client, 'modest'), ask(client, 'modest'));
    for (let arrivals = 3; arrivals <= 8; arrivals += 1) {
      server.answer();
      await server.arrived(arrivals);
    }
    expect(server.paths).toEqual(['/greedy', '/greedy', '/modest', '/greedy', '/modest', '/greedy', '/greedy', '/greedy']);
    await serveAll(server, 2, 6);
    await Promise.all(sent);
  });

  it('goes to the waiting caller that holds fewest, where several have the name of one client, and they are shown together', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 2 } });
    const person = (caller: string): Promise<unknown> => dispatchRequest(client, { client: 'engineers', caller, path: `/${caller}` }).result;
    const sent = Array.from({ length: 4 }, () => person('alice'));
    await server.arrived(2);
    sent.push(person('bob'));
    expect(client.stats().clients).toEqual([{ client: 'engineers', held: 2, waiting: 3 }]);
    server.answer();
    await server.arrived(3);
    expect(server.paths).toEqual(['/alice', '/alice', '/bob']);
    await serveAll(server, 4, 1);
    await Promise.all(sent);
    expect(client.stats().clients).toEqual([]);
  });

  it('goes to a client again that holds all others while no one else waits (an idle slot helps no client)', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 3 } });
    const sent = Array.from({ length: 9 }, () => ask(client, 'only'));
    await server.arrived(3);
    expect(client.stats()).toMatchObject({ active: 3, clients: [{ client: 'only', held: 3, waiting: 6 }] });
    expect(client.stats().oldestWaitMs).toBeGreaterThan(0);
    await serveAll(server, 9);
    await Promise.all(sent);
    expect(client.stats()).toMatchObject({ clients: [], oldestWaitMs: 0 });
  });
});

describe('a full queue', () => {
  it('takes a client with few at the cost of the newest request of the client with most (flooding the queue shuts no one out)', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 1, maxWaiting: 3 } });
    const flood = ['/a', '/b', '/c', '/d'].map((path) => ask(client, 'greedy', path));
    const modest = ask(client, 'modest');
    expect(await failureCode(flood[3] as Promise<never>)).toBe('queue_full');
    expect(client.stats().clients).toEqual([{ client: 'greedy', held: 1, waiting: 2 }, { client: 'modest', held: 0, waiting: 1 }]);
    // As many as another has, and one more, is no reason to change places.
    expect(await failureCode(ask(client, 'modest') as Promise<never>)).toBe('queue_full');
    expect(await failureCode(ask(client, 'greedy') as Promise<never>)).toBe('queue_full');
    await serveAll(server, 4);
    // Each holding none, they take turns.
    expect(server.paths).toEqual(['/a', '/b', '/modest', '/c']);
    await Promise.all([...flood, modest]);
  });
});

describe('long-lived requests', () => {
  it('hold their part of the slots together, and wait in a queue of their own (others pass them)', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 8, longLivedShare: 0.25, maxWaiting: 8 } });
    const streams = Array.from({ length: 4 }, (_, index) => dispatchRequest(client, { client: `watcher ${index}`, longLived: 'exchange', path: `/stream/${index}` }).result);
    await server.arrived(2);
    expect(client.stats()).toMatchObject({ active: 2, waiting: 2, longLived: 2, maxLongLived: 2 });
    // Their queue has its part of the places as well.
    expect(await failureCode(dispatchRequest(client, { longLived: 'exchange' }).result)).toBe('queue_full');
    const others = Array.from({ length: 6 }, () => ask(client, 'other'));
    await server.arrived(8);
    expect(client.stats()).toMatchObject({ active: 8, waiting: 2, longLived: 2 });
    const more = Array.from({ length: 8 }, () => ask(client, 'other'));
    expect(client.stats()).toMatchObject({ active: 8, waiting: 10 });
    server.answer();
    await streams[0];
    // Its slot is a long-lived one's again: that client holds none.
    await server.arrived(9);
    expect(server.held.at(-1)?.req.url).toBe('/stream/2');
    await serveAll(server, 17, 1);
    await Promise.all([...streams, ...others, ...more]);
    expect(client.stats()).toMatchObject({ active: 0, waiting: 0, longLived: 0, clients: [] });
  });

  it('hold one slot at least (a small pool takes uploads as well)', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 1, longLivedShare: 0.01 } });
    const stream = dispatchRequest(client, { longLived: 'exchange' }).result;
    await server.arrived(1);
    server.answer();
    expect((await stream).status).toBe(200);
  });

  it('are others again once their upload was sent, and the next upload begins', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 4, longLivedShare: 0.25 } });
    const gate = Promise.withResolvers<void>();
    async function* body(): AsyncGenerator<Uint8Array> { yield Buffer.from('one'); await gate.promise; yield Buffer.from('two'); }
    const first = dispatchRequest(client, { longLived: 'upload', body: body(), path: '/first' });
    const second = dispatchRequest(client, { longLived: 'upload', body: body(), path: '/second' });
    expect(client.stats()).toMatchObject({ longLived: 1, waiting: 1 });
    gate.resolve();
    await server.arrived(2);
    expect(server.held.map(({ req }) => req.url)).toEqual(['/first', '/second']);
    expect(client.stats()).toMatchObject({ active: 2, longLived: 0, waiting: 0 });
    server.answer();
    server.answer();
    expect([(await first.result).status, (await second.result).status]).toEqual([200, 200]);
  });

  it('give their part back however they end', async () => {
    await using server = await startHolding();
    await using client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: 2, longLivedShare: 0.5 }, timeouts: { slotWaitMs: 300 } });
    for (const end of ['connecting', 'running', 'waiting'] as const) {
      const held = dispatchRequest(client, { longLived: 'exchange', client: 'one' });
      const waiting = dispatchRequest(client, { longLived: 'exchange', client: 'two' });
      if (end === 'waiting') expect(await failureCode(waiting.result)).toBe('slot_timeout');
      if (end === 'running') await server.arrived(1);
      held.controller.abort(new Error('client gone'));
      waiting.controller.abort(new Error('client gone'));
      await Promise.all([held.result, waiting.result]);
      expect(client.stats()).toMatchObject({ longLived: 0, waiting: 0, clients: [] });
    }
  });
});

describe('the memory of clients', () => {
  it('holds no more than 256 that neither hold nor want a slot (names without end cost no memory)', () => {
    const shares = new SlotShares(resolvePool({ maxWaiting: 1_000 }));
    const waiting = new FakeHolder(0, 'waiting', false);
    shares.pushOrDisplace(waiting);
    for (let index = 1; index <= 10_000; index += 1) {
      const holder = new FakeHolder(index, `client ${index}`, false);
      shares.hold(holder);
      shares.release(holder);
      expect(shares.remembered).toBeLessThanOrEqual(256);
    }
    expect(shares.shift()).toBe(waiting);
  });
});
