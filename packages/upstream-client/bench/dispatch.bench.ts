/**
 * CPU time of buffered POSTs through this client and through undici's own `Pool`.
 *
 * Method: one `node:http` upstream in a child process, so that its time is not counted; both dispatchers in this
 * process, in turns of equal length, order swapped each round, `process.cpuUsage` around each turn; the first rounds
 * warm up and do not count; the figure is the median of the per-round ratios. Run it on a quiet machine:
 * `node --conditions=@penstock/source bench/dispatch.bench.ts [rounds] [requests per turn]`.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Pool, type Dispatcher } from 'undici';
import { createUpstreamClient } from '../src/index.ts';

const CONCURRENCY = 16;
const CONNECTIONS = 20;
const BODY = Buffer.from(JSON.stringify({ model: 'sim-text', max_tokens: 16, messages: [{ role: 'user', content: 'x'.repeat(900) }] }));
const HEADERS = ['content-type', 'application/json', 'x-api-key', 'not-a-key', 'anthropic-version', '2023-06-01', 'accept', 'application/json'];

interface Turn { readonly cpuMicros: number; readonly latencies: Float64Array }

/** The same handler for both: one class, as a proxy would write it. */
class CountingHandler {
  private readonly startedAt = performance.now();
  private readonly done: (latencyMs: number) => void;
  private readonly failed: (error: Error) => void;

  constructor(done: (latencyMs: number) => void, failed: (error: Error) => void) {
    this.done = done;
    this.failed = failed;
  }
  onRequestStart(): void { /* undici requires the method */ }
  onResponseStart(): void { /* undici requires the method */ }
  onResponseData(): void { /* undici requires the method */ }
  onResponseEnd(): void { this.done(performance.now() - this.startedAt); }
  onResponseError(_controller: unknown, error: Error): void { this.failed(error); }
}

async function turn(dispatcher: Dispatcher, requests: number): Promise<Turn> {
  const latencies = new Float64Array(requests);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let started = 0;
  let finished = 0;
  const next = (): void => {
    if (started >= requests) return;
    started += 1;
    dispatcher.dispatch({ path: '/v1/messages', method: 'POST', headers: HEADERS, body: BODY }, new CountingHandler((latency) => {
      latencies[finished] = latency;
      finished += 1;
      if (finished === requests) resolve();
      // The next request comes from another turn of the event loop, as it would from another client.
      else setImmediate(next);
    }, reject));
  };
  const before = process.cpuUsage();
  for (let index = 0; index < CONCURRENCY; index += 1) next();
  await promise;
  const used = process.cpuUsage(before);
  return { cpuMicros: used.user + used.system, latencies: latencies.toSorted() };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function startServer(): Promise<{ readonly origin: string; stop(): void }> {
  const child = fork(fileURLToPath(new URL('bench-server.ts', import.meta.url)));
  const message: unknown[] = await once(child, 'message');
  return { origin: `http://127.0.0.1:${String(message[0])}`, stop: () => { child.kill(); } };
}

const rounds = Number(process.argv[2] ?? 15);
const requests = Number(process.argv[3] ?? 4_000);
const server = await startServer();
const pool = new Pool(server.origin, { connections: CONNECTIONS, pipelining: 1, allowH2: false });
const client = createUpstreamClient({ origin: server.origin, pool: { maxConnections: CONNECTIONS, maxKeepAliveConnections: CONNECTIONS } });
const cpuRatios: number[] = [];
const p99Ratios: number[] = [];
for (let round = -3; round < rounds; round += 1) {
  const isOursFirst = round % 2 === 0;
  const first = await turn(isOursFirst ? client : pool, requests);
  const second = await turn(isOursFirst ? pool : client, requests);
  const [ours, theirs] = isOursFirst ? [first, second] : [second, first];
  if (round < 0) continue;
  cpuRatios.push(ours.cpuMicros / theirs.cpuMicros);
  p99Ratios.push(percentile(ours.latencies, 0.99) / percentile(theirs.latencies, 0.99));
  console.log(`round ${round}: cpu per request ${(ours.cpuMicros / requests).toFixed(1)} µs against ${(theirs.cpuMicros / requests).toFixed(1)} µs`);
}
console.log(JSON.stringify({ cpuRatio: Number(median(cpuRatios).toFixed(3)), p99Ratio: Number(median(p99Ratios).toFixed(3)), rounds, requests }));
await client.destroy();
await pool.destroy();
server.stop();
