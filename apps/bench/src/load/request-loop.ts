import { connect, type Socket } from 'node:net';
import { HttpReader } from '../wire/http-reader.ts';
import { type Latencies, LatencySamples } from './latency-samples.ts';
import type { BodyName } from '../wire/request-bodies.ts';
import { requestChoices } from './request-bytes.ts';
import type { Target } from './target.ts';

/** How many connections send requests, for how long. */
export interface RequestLoopOptions {
  readonly target: Target;
  /** The bodies that each connection sends in turn instead of the target's, each from a place of its own in the list. */
  readonly mix?: readonly BodyName[];
  readonly connections: number;
  readonly durationMs: number;
  /** Requests a second over all connections; 0: each connection sends its next request when it has its answer. */
  readonly ratePerSecond: number;
}

/** What came of it. */
export interface RequestLoopResult {
  readonly requests: number;
  /** Answers other than 200, and connections that broke. */
  readonly failures: number;
  readonly elapsedMs: number;
  readonly latencies: Latencies;
}

/** Sends requests over kept connections until the time is up, then waits for the answers under way. */
export async function runRequestLoop(options: RequestLoopOptions): Promise<RequestLoopResult> {
  const requestsInTurn = (options.mix ?? [options.target.body]).map((body) => requestChoices({ ...options.target, body }));
  const samples = new LatencySamples();
  const startedAt = performance.now();
  const stopAt = startedAt + options.durationMs;
  let requests = 0;
  let failures = 0;
  const gapMs = options.ratePerSecond === 0 ? 0 : options.connections * 1_000 / options.ratePerSecond;

  const connection = (index: number): Promise<void> => new Promise((resolve) => {
    let sentAt = 0;
    let turn = index;
    let nextAt = startedAt + gapMs * index / options.connections;
    const send = (): void => {
      const now = performance.now();
      if (now >= stopAt) { socket.destroy(); return; }
      if (gapMs > 0 && now < nextAt) { setTimeout(send, nextAt - now); return; }
      nextAt += gapMs;
      sentAt = performance.now();
      const choice = requestsInTurn[turn % requestsInTurn.length] as readonly Buffer[];
      socket.write(choice[choice.length === 1 ? 0 : Math.floor(Math.random() * choice.length)] as Buffer);
      turn += 1;
    };
    const reader = new HttpReader({
      onMessage: (head) => {
        requests += 1;
        samples.add(performance.now() - sentAt);
        if (!head.startsWith('HTTP/1.1 200')) failures += 1;
        send();
      },
    });
    const socket: Socket = connect({ port: options.target.port, host: '127.0.0.1', noDelay: true });
    socket.on('connect', send);
    socket.on('data', (chunk: Buffer) => reader.push(chunk));
    socket.on('error', () => { failures += 1; });
    socket.on('close', () => resolve());
  });
  await Promise.all(Array.from({ length: options.connections }, (_, index) => connection(index)));
  return { requests, failures, elapsedMs: performance.now() - startedAt, latencies: samples.take() };
}
