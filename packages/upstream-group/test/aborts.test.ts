import { expect, it, vi } from 'vitest';
import { answerWith, send, startGroup, startUpstream, type GroupResult } from './start-group.ts';

const GENEROUS = { timeout: 30_000 };
const refused = answerWith(529, 'overloaded');

interface Controls {
  abort(reason: Error): void;
  pause(): void;
  readonly phase: string;
  readonly timings: { readonly sentAt?: number };
}

/** Sends a request and gives its controller. */
function begin(group: Parameters<typeof send>[0], options: Parameters<typeof send>[1] = {}): { readonly ended: Promise<GroupResult>; readonly controller: Controls } {
  let controller: Controls | undefined;
  const ended = send(group, options, (given) => { controller = given as Controls; });
  if (controller === undefined) throw new Error('the controller is given at once');
  return { ended, controller };
}

it('abort() while the second try waits for a slot ends it once, and its place in the queue is free', async () => {
  const second = await startUpstream(() => undefined);
  await using world = startGroup([await startUpstream(refused), second], { client: { pool: { maxConnections: 1 } } });
  const held = begin(world.group, { route: { only: 'b' } });
  await vi.waitFor(() => { expect(second.arrivals.length).toBe(1); }, GENEROUS);
  const { ended, controller } = begin(world.group, { timeouts: { slotWaitMs: 600_000 } });
  await vi.waitFor(() => { expect(world.clients[1]?.stats().waiting).toBe(1); }, GENEROUS);
  expect([controller.phase, controller.timings.sentAt]).toEqual(['waiting', undefined]);
  controller.abort(new Error('gone'));
  expect(await ended).toMatchObject({ code: 'gone', endings: 1 });
  expect(world.clients[1]?.stats().waiting).toBe(0);
  held.controller.abort(new Error('over'));
  await held.ended;
});

it('abort() while the second try connects ends it once, and nothing is sent', async () => {
  const second = await startUpstream(() => undefined);
  await using world = startGroup([await startUpstream(refused), second]);
  const failed = Promise.withResolvers<undefined>();
  const { ended, controller } = begin(world.group, { route: { failedOver: () => { failed.resolve(undefined); } } });
  await failed.promise;
  // The next member is asked in the same turn, and its connection is not there yet.
  expect(controller.phase).toBe('connecting');
  controller.abort(new Error('gone'));
  expect(await ended).toMatchObject({ code: 'gone', endings: 1 });
  await vi.waitFor(() => { expect(world.clients.map((client) => client.stats().active)).toEqual([0, 0]); }, GENEROUS);
  expect(second.arrivals.length).toBe(0);
});

it('abort() while the body of a refusal is kept ends it once, asks no other member, and counts as nothing sent', async () => {
  const first = await startUpstream((_arrival, response) => { response.writeHead(529); response.write('…'); });
  const second = await startUpstream(answerWith(200, 'served'));
  await using world = startGroup([first, second], { coolDownMs: [60_000, 60_000] });
  const { ended, controller } = begin(world.group);
  await vi.waitFor(() => { expect(world.group.members()[0]?.state).toBe('cooling'); }, GENEROUS);
  expect([controller.phase, controller.timings.sentAt]).toEqual(['waiting', undefined]);
  controller.abort(new Error('gone'));
  expect(await ended).toMatchObject({ status: undefined, code: 'gone', endings: 1 });
  expect(controller.timings.sentAt).toBeUndefined();
  await vi.waitFor(() => { expect(world.clients.map((client) => client.stats().active)).toEqual([0, 0]); }, GENEROUS);
  expect(second.arrivals.length).toBe(0);
});

it('abort() within the replay of a kept refusal ends it once, with the bytes that were given', async () => {
  const first = await startUpstream(answerWith(429, 'slow down'));
  const second = await startUpstream(refused);
  await using world = startGroup([first, second]);
  const { promise, resolve } = Promise.withResolvers<string[]>();
  const seen: string[] = [];
  let controller: Controls | undefined;
  world.group.dispatch({ path: '/', method: 'POST', body: 'x' }, {
    onRequestStart: (given) => { controller = given as unknown as Controls; },
    onResponseStart: (_given, status) => { seen.push(`${status}`); controller?.pause(); setImmediate(() => { controller?.abort(new Error('gone')); }); },
    onResponseData: (_given, chunk) => { seen.push(chunk.toString('latin1')); },
    onResponseEnd: () => { seen.push('end'); },
    onResponseError: (_given, error) => { seen.push(error.message); setImmediate(() => { resolve(seen); }); },
  });
  expect(await promise).toEqual(['429', 'gone']);
  await vi.waitFor(() => { expect(world.clients.map((client) => client.stats().active)).toEqual([0, 0]); }, GENEROUS);
});
