import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { openRawConnection } from '@penstock/test-support';
import { penstock } from '../contenders/own-contenders.ts';
import type { RequestLoopResult } from '../load/request-loop.ts';
import { CORES } from '../process/spawn-pinned.ts';
import { pairedInterval, type PairedInterval } from '../report/paired-interval.ts';
import type { Scenario, ScenarioEnvironment } from '../scenarios/scenario.ts';

/** Latency of native requests in one situation, as a multiple of that without it in the same round. */
export interface LatencyRow {
  readonly situation: string;
  readonly p50: PairedInterval;
  readonly p99: PairedInterval;
  readonly failures: number;
}

/** Brings a situation about; the returned function ends it. */
type Situation = (port: number) => Promise<() => void>;

const WAITING = 1_000;
const SLOW_CONNECTIONS = 500;
const CHAT = JSON.stringify({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] });
const HELD = CHAT.replace('{', '{"stream":true,');

function chat(port: number, body: string, onEnd: () => void): () => void {
  const request = httpRequest({ port, host: '127.0.0.1', path: '/v1/chat/completions', method: 'POST', headers: { 'content-type': 'application/json' }, agent: false }, (response) => response.resume().once('end', onEnd));
  request.on('error', () => undefined);
  request.end(body);
  return () => { request.destroy(); };
}

const SITUATIONS: Readonly<Record<string, Situation>> = {
  'nothing else (control)': () => Promise.resolve(() => undefined),
  [`front door saturated, ${WAITING} waiting`]: (port) => {
    const ends = Array.from({ length: WAITING }, () => chat(port, HELD, () => undefined));
    return Promise.resolve(() => { for (const end of ends) end(); });
  },
  'front door failing in every translation': (port) => {
    let isOver = false;
    const next = (): void => { if (!isOver) chat(port, CHAT, () => setTimeout(next, 20)); };
    next();
    return Promise.resolve(() => { isOver = true; });
  },
  [`${SLOW_CONNECTIONS} connections that send a byte a second`]: async (port) => {
    const slow = await Promise.all(Array.from({ length: SLOW_CONNECTIONS }, () => openRawConnection(port)));
    for (const connection of slow) connection.send('POST /anthropic/v1/messages HTTP/1.1\r\nX: ');
    const timer = setInterval(() => { for (const { socket } of slow) socket.write('x'); }, 1_000);
    return () => {
      clearInterval(timer);
      for (const connection of slow) connection.close();
    };
  },
};

/** What the front door and slow clients do to the latency of native requests, one after another. */
export const LATENCY: Scenario = {
  name: 'latency',
  title: 'Native latency while others are busy, 1 KB requests, one at a time',
  async run(environment) {
    const rows = await measureLatency(environment);
    return { report: describeLatency(rows), figures: rows };
  },
};

async function measureLatency({ rig, folder, isQuick, rounds = isQuick ? 6 : 15, onProgress }: ScenarioEnvironment): Promise<readonly LatencyRow[]> {
  // It holds what asks for a stream, and answers the rest with what no translation can read.
  const upstream = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => { if (!Buffer.concat(chunks).includes('"stream":true')) response.writeHead(200, { 'content-type': 'application/json' }).end('{"type":"nonsense"'); });
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const own = join(folder, 'latency');
  mkdirSync(own, { recursive: true });
  const backend = { name: 'held', kind: 'anthropic', base_url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, api_key: 'x' };
  const gateway = await penstock('latency', 1, {
    config: { openai_front_door: { backends: [backend], models: [{ model: '*' }], pool: { max_connections: 5, max_waiting: WAITING }, timeouts: { slot_wait: 600 } } },
  }).start({ folder: own, core: CORES.contender, upstreamPort: rig.upstreamPort, upstreamOrigin: `http://127.0.0.1:${rig.upstreamPort}`, nodeFlags: ['--no-memory-reducer'] });
  const target = { port: gateway.port, path: '/anthropic/v1/messages', fields: [], body: '1 KB' };
  const send = (durationMs: number): Promise<RequestLoopResult> => rig.load.call('requests', { target, connections: 1, durationMs, ratePerSecond: 0 });
  const results = Object.keys(SITUATIONS).map((situation) => ({ situation, p50: [] as number[], p99: [] as number[], failures: 0 }));
  try {
    await rig.upstream.call('plan', { kind: 'message' });
    await send(isQuick ? 2_000 : 8_000);
    for (let round = 1; round <= rounds; round += 1) {
      for (const result of results) {
        onProgress(`round ${round} of ${rounds}, ${result.situation}`);
        const calm = await send(500);
        const end = await (SITUATIONS[result.situation] as Situation)(gateway.port);
        await new Promise((resolve) => { setTimeout(resolve, 300); });
        const busy = await send(500);
        end();
        await new Promise((resolve) => { setTimeout(resolve, 300); });
        result.p50.push(busy.latencies.p50 / calm.latencies.p50);
        result.p99.push(busy.latencies.p99 / calm.latencies.p99);
        result.failures += calm.failures + busy.failures;
      }
    }
  } finally {
    await gateway.stop();
    upstream.closeAllConnections();
    upstream.close();
  }
  return results.map(({ situation, p50, p99, failures }) => ({ situation, p50: pairedInterval(p50), p99: pairedInterval(p99), failures }));
}

/** The rows as a Markdown table. */
export function describeLatency(rows: readonly LatencyRow[]): string {
  const cell = ({ median, low, high }: PairedInterval): string => `${median.toFixed(2)} × (${low.toFixed(2)} to ${high.toFixed(2)})`;
  const lines = rows.map(({ situation, p50, p99, failures }) => `| ${failures > 0 ? `${situation} (${failures} failures)` : situation} | ${cell(p50)} | ${cell(p99)} |`);
  return ['| beside | p50 (95 %) | p99 (95 %) |', '|---|---:|---:|', ...lines, '', 'Aimed at: at most 1.15 × at p50 and 2 × at p99, with slow connections 1.2 × at p50.'].join('\n');
}
