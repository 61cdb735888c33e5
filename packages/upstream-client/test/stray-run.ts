import { vi } from 'vitest';
import type { DisconnectReason, UpstreamClient } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';
import { startStrayOrigin, type StrayConnection, type StrayOriginOptions } from './stray-origin.ts';

/** What came of it. */
export interface StrayRun {
  /** The connections on which a stray was sent. */
  readonly strayed: readonly StrayConnection[];
  readonly answers: number;
  /** Answers that went to another request, on all connections. */
  readonly wrong: number;
  /** Requests that failed: none may be taken for an answer. */
  readonly failures: readonly string[];
  readonly closed: Readonly<Partial<Record<DisconnectReason, number>>>;
}

/** What is asked of it. */
export interface StrayRunOptions extends Omit<StrayOriginOptions, 'now'> {
  readonly answers: number;
  readonly connections: number;
  /** Clients that each send their next request as soon as they have their answer. */
  readonly clients: number;
}

/** Numbers from 0 to 1, the same in each run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Turns of the event loop in which nothing changes: what was written on loopback has long been read then. */
const QUIET_TURNS = 4;

/**
 * Keeps all connections busy, on real sockets but in a time that stands still while anything happens: a loaded machine sees the same as an idle
 * one. Returns when so many answers were sent and every request has ended.
 */
export async function runStrays({ answers, connections, clients, ...behaviour }: StrayRunOptions): Promise<StrayRun> {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    await using origin = await startStrayOrigin({ ...behaviour, now: () => performance.now() });
    await using client = createUpstreamClient({ origin: origin.origin, pool: { maxConnections: connections, maxKeepAliveConnections: connections, maxWaiting: clients }, timeouts: { slotWaitMs: 60_000 } });
    const failures: string[] = [];
    const closed: Partial<Record<DisconnectReason, number>> = {};
    let happened = 0;
    const changes = (): number => happened + origin.received();
    let asked = 0;
    const done: number[] = [];
    client.on('disconnected', ({ reason }) => { closed[reason] = (closed[reason] ?? 0) + 1; happened += 1; });
    const ask = async (): Promise<void> => {
      while (origin.answered() < answers) {
        asked += 1;
        const path = `/${asked}`;
        const { error, body } = await dispatchRequest(client, { method: 'GET', path }, { onRequestSent: () => { happened += 1; } }).result;
        happened += 1;
        if (error !== undefined) failures.push('code' in error ? String(error.code) : error.name);
        else if (body !== path) { const by = origin.sentBy(body); if (by !== undefined) by.wrong += 1; }
      }
      done.push(asked);
    };
    const all = Array.from({ length: clients }, ask);
    while (done.length < clients) {
      await quiet(client, changes);
      const at = origin.next();
      if (at !== undefined) vi.advanceTimersByTime(at - performance.now());
      origin.run();
    }
    await Promise.all(all);
    await quiet(client, changes);
    // What is left over shows itself while no request is sent.
    for (let at = origin.next(); at !== undefined; at = origin.next()) {
      vi.advanceTimersByTime(at - performance.now());
      origin.run();
      await quiet(client, changes);
    }
    return { strayed: origin.connections.filter(({ strayed }) => strayed), answers: origin.answered(), wrong: origin.connections.reduce((sum, { wrong }) => sum + wrong, 0), failures, closed };
  } finally {
    vi.useRealTimers();
  }
}

/** Waits until nothing changes any more. */
async function quiet(client: UpstreamClient, changes: () => number): Promise<void> {
  let seen = -1;
  for (let turns = 0; turns < QUIET_TURNS; turns += 1) {
    await new Promise(setImmediate);
    if (changes() !== seen || client.stats().connecting > 0) turns = 0;
    seen = changes();
  }
}
