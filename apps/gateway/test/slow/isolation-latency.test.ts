import { createServer, request as httpRequest, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { Client } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sumOf } from '../observe/metrics/exposition.ts';
import { runPenstock, type PenstockProcess } from '../run-penstock.ts';

const REQUESTS = 1_000;
const WAITING = 1_000;
const BODY = JSON.stringify({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] });
const ANSWER = '{"type":"message","usage":{"input_tokens":1,"output_tokens":1}}';

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

/** Sends native requests, one after another. */
async function sendNative(): Promise<void> {
  for (let index = 0; index < REQUESTS; index += 1) {
    const { statusCode, body } = await client.request({ method: 'POST', path: '/anthropic/v1/messages', headers: { 'content-type': 'application/json' }, body: BODY });
    expect([statusCode, await body.text()]).toEqual([200, ANSWER]);
  }
}

const metric = async (name: string, labels: Readonly<Record<string, string>>): Promise<number | undefined> => sumOf(await (await fetch(`${penstock.operations}/metrics`)).text(), name, labels);
const waiting = (): Promise<number | undefined> => metric('penstock_upstream_pool_waiting', { upstream: 'front_door_held' });

/** Fills the front door's pool and queue; returns what empties them. */
async function saturate(): Promise<() => Promise<void>> {
  const requests = Array.from({ length: WAITING + 5 }, () => {
    const request = httpRequest(`${penstock.origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, agent: false });
    request.on('error', () => undefined);
    request.end(JSON.stringify({ model: 'm', max_tokens: 1, stream: true, messages: [{ role: 'user', content: 'hi' }] }));
    return request;
  });
  await expect.poll(waiting, { timeout: 120_000 }).toBe(WAITING);
  return async () => {
    for (const request of requests) request.destroy();
    await expect.poll(waiting, { timeout: 120_000 }).toBe(0);
  };
}

/** Keeps the front door failing in its translation; returns what stops it. */
async function fail(): Promise<() => Promise<void>> {
  const failing = new Worker(new URL('./failing-client.ts', import.meta.url), { workerData: { origin: penstock.origin, pauseMs: 20 } });
  const statuses = new Set<number>();
  let failures = 0;
  failing.on('message', (status: number) => {
    statuses.add(status);
    failures += 1;
  });
  await expect.poll(() => failures).toBeGreaterThan(2);
  const before = failures;
  return async () => {
    // It failed on, beside the native requests.
    await expect.poll(() => failures).toBeGreaterThan(before);
    failing.postMessage('stop');
    await once(failing, 'exit');
    expect([...statuses]).toEqual([502]);
  };
}

test.each([['saturated, with 1,000 waiting', saturate], ['failing in every translation', fail]] as const)(
  'while the front door is %s, native requests are answered with the same bytes, and none waits for a slot', async (_state, disturb) => {
    await sendNative();
    const restore = await disturb();
    const heldBefore = await waiting();
    await sendNative();
    // Nothing left the queue of the front door meanwhile: they were answered beside it.
    expect(await waiting()).toBe(heldBefore);
    await restore();
    expect(await metric('penstock_upstream_pool_acquisitions_total', { upstream: 'native', source: 'queued' })).toBe(0);
    expect(await metric('penstock_request_outcomes_total', { side: 'native', outcome: 'ok' })).toBe(await metric('penstock_request_outcomes_total', { side: 'native' }));
  },
);
