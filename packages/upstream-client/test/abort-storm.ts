import type { UpstreamClient } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';
import { startLocalServer, type LocalServer } from './local-server.ts';

/** What was left after a storm of aborted requests. */
export interface StormResult {
  readonly completed: number;
  readonly aborted: number;
  /** Requests that ended twice, or ended in an error that no abort caused. */
  readonly defects: readonly string[];
  readonly phases: ReadonlySet<string>;
}

const PHASES = ['at once', 'waiting', 'sending', 'sent', 'head', 'data', 'end', 'never', 'later', 'served'] as const;

/** A small repeatable generator of numbers below `limit` (mulberry32). */
export function seededRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** An upstream that answers in three pieces, a turn apart, so that there is something to interrupt. */
export function startPiecewiseServer(): Promise<LocalServer> {
  return startLocalServer((inbound, response) => {
    inbound.on('error', () => undefined);
    inbound.resume().once('end', () => {
      response.write('one');
      setImmediate(() => { response.write('two'); setImmediate(() => { response.end('three'); }); });
    });
  });
}

async function stormy(client: UpstreamClient, random: (limit: number) => number, seen: Set<string>): Promise<string> {
  const when = PHASES[random(PHASES.length)] ?? 'never';
  let isAborted = false;
  const abort = (): void => {
    if (isAborted) return;
    isAborted = true;
    seen.add(controller?.phase ?? 'start');
    controller?.abort(new Error('storm'));
  };
  let controller: Parameters<NonNullable<Parameters<typeof dispatchRequest>[2]>['onRequestStart'] & object>[0] | undefined;
  const body = [null, 'small', Buffer.alloc(200_000), [Buffer.alloc(70_000), Buffer.alloc(10)]][random(4)] ?? null;
  const { result } = dispatchRequest(client, { path: `/${when.replace(' ', '-')}`, body }, {
    onRequestStart: (given) => { controller = given; if (when === 'at once') abort(); },
    onBodySent: () => { if (when === 'sending') abort(); },
    onRequestSent: () => { if (when === 'sent') abort(); },
    onResponseStart: () => { if (when === 'head') abort(); },
    onResponseData: () => { if (when === 'data') abort(); },
    onResponseEnd: () => { if (when === 'end') abort(); },
  });
  if (when === 'waiting') abort();
  if (when === 'later') setImmediate(() => { setImmediate(abort); });
  const watch = (): void => {
    if (controller?.phase === 'waiting') setImmediate(watch);
    else abort();
  };
  if (when === 'served') watch();
  const { error, endings } = await result;
  if (endings !== 1) return `${when}: told ${endings} times`;
  if (error === undefined) return 'completed';
  return error.message === 'storm' ? 'aborted' : `${when}: ${error.message}`;
}

/** Sends `count` requests, `width` at a time, and aborts most of them somewhere. */
export async function raiseStorm(client: UpstreamClient, count: number, width: number, seed: number): Promise<StormResult> {
  const random = seededRandom(seed);
  const outcomes = new Map<string, number>();
  const phases = new Set<string>();
  let left = count;
  await Promise.all(Array.from({ length: width }, async () => {
    while (left > 0) {
      left -= 1;
      const outcome = await stormy(client, random, phases);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  }));
  const { completed = 0, aborted = 0, ...others } = Object.fromEntries(outcomes);
  return { completed, aborted, defects: Object.keys(others), phases };
}

/** The client every storm is raised on: fewer slots than requests at a time, so that some always wait. */
export function stormClient(origin: string): UpstreamClient {
  return createUpstreamClient({ origin, pool: { maxConnections: 8, maxKeepAliveConnections: 4, maxWaiting: 1_000 } });
}
