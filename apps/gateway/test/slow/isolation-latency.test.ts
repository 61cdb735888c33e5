import { createServer, request as httpRequest, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { Client } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runPenstock, type PenstockProcess } from '../run-penstock.ts';

const ROUNDS = process.env['PENSTOCK_SLOW_BOUNDED'] === '1' ? 11 : 15;
const REQUESTS = 1_000;
const WAITING = 1_000;
const BODY = JSON.stringify({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] });
const ANSWER = '{"type":"message","usage":{"input_tokens":1,"output_tokens":1}}';

const quantile = (values: readonly number[], at: number): number => values.toSorted((a, b) => a - b)[Math.floor(values.length * at)] ?? Number.NaN;
const median = (values: readonly number[]): number => quantile(values, 0.5);

let nativeUpstream: Server;
let heldUpstream: Server;
let held: string;
let penstock: PenstockProcess;
let client: Client;

const listen = async (server: Server): Promise<string> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

beforeAll(async () => {
  nativeUpstream = createServer((_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER));
  // The front door's upstream holds what asks for a stream, and answers the rest with what no translation can read.
  heldUpstream = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => { if (!Buffer.concat(chunks).includes('"stream":true')) response.writeHead(200, { 'content-type': 'application/json' }).end('{"type":"nonsense"'); });
  });
  held = await listen(heldUpstream);
  penstock = await runPenstock({
    document: {
      anthropic_native: { base_url: await listen(nativeUpstream) },
      openai_front_door: { backends: [{ name: 'held', kind: 'anthropic', base_url: held, api_key: 'x' }], models: [{ model: '*' }], pool: { max_connections: 5, max_waiting: WAITING }, timeouts: { slot_wait: 600 } },
      log: { level: 'warn' },
    },
    flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  client = new Client(penstock.origin);
});

afterAll(async () => {
  await client.close();
  await penstock[Symbol.asyncDispose]();
  for (const server of [nativeUpstream, heldUpstream]) {
    server.closeAllConnections();
    server.close();
  }
});

/** Native latencies, one request after another, and whether the bytes were the same. */
async function measure(): Promise<number[]> {
  const latencies: number[] = [];
  for (let index = 0; index < REQUESTS; index += 1) {
    const sentAt = performance.now();
    const { statusCode, body } = await client.request({ method: 'POST', path: '/anthropic/v1/messages', headers: { 'content-type': 'application/json' }, body: BODY });
    const text = await body.text();
    latencies.push(performance.now() - sentAt);
    expect([statusCode, text]).toEqual([200, ANSWER]);
  }
  return latencies;
}

const waiting = async (): Promise<number> => {
  const text = await (await fetch(`${penstock.operations}/metrics`)).text();
  return Number(/penstock_upstream_pool_waiting\{upstream="front_door_held"[^}]*\} (\d+)/.exec(text)?.[1]);
};

/** Fills the front door's pool and queue; returns what empties them. */
async function saturate(): Promise<() => Promise<void>> {
  const requests = Array.from({ length: WAITING + 5 }, () => {
    const request = httpRequest(`${penstock.origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, agent: false });
    request.on('error', () => undefined);
    request.end(JSON.stringify({ model: 'm', max_tokens: 1, stream: true, messages: [{ role: 'user', content: 'hi' }] }));
    return request;
  });
  await expect.poll(waiting, { timeout: 30_000 }).toBe(WAITING);
  return async () => {
    for (const request of requests) request.destroy();
    await expect.poll(waiting, { timeout: 30_000 }).toBe(0);
  };
}

/** Sends to the front door, or past the gateway to its upstream; returns what stops it. */
async function send(origin: string, expected: number): Promise<() => Promise<void>> {
  const failing = new Worker(new URL('./failing-client.ts', import.meta.url), { workerData: { origin, pauseMs: 20 } });
  const statuses = new Set<number>();
  let failures = 0;
  failing.on('message', (status: number) => {
    statuses.add(status);
    failures += 1;
  });
  await expect.poll(() => failures).toBeGreaterThan(2);
  return async () => {
    failing.postMessage('stop');
    await once(failing, 'exit');
    expect([...statuses]).toEqual([expected]);
  };
}

/** Keeps the front door failing in its translation. */
const fail = (): Promise<() => Promise<void>> => send(penstock.origin, 502);
/** The same client and the same upstream at work, which share a processor with the measurement, and nothing for the gateway to do. */
const failElsewhere = (): Promise<() => Promise<void>> => send(held, 200);
const idle = (): Promise<() => Promise<void>> => Promise.resolve(() => Promise.resolve());

describe.each([['saturated, with 1,000 waiting', saturate, idle], ['failing in every translation', fail, failElsewhere]] as const)('while the front door is %s', (_state, disturb, accompany) => {
  test('native latency stays within 15 % at p50 and twice at p99, by paired medians of one run, and its bytes are the same', async () => {
    await measure();
    const p50: number[] = [];
    const p99: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const leave = await accompany();
      const calm = await measure();
      await leave();
      const restore = await disturb();
      const disturbed = await measure();
      await restore();
      p50.push(median(disturbed) / median(calm));
      p99.push(quantile(disturbed, 0.99) / quantile(calm, 0.99));
    }
    console.log(`native with the front door ${_state}: p50 ${median(p50).toFixed(3)} x, p99 ${median(p99).toFixed(3)} x of its calm self (${ROUNDS} pairs)`);
    expect(median(p50)).toBeLessThan(1.15);
    expect(median(p99)).toBeLessThan(2);
  });
});
