import { answerAlways, measureGrowth, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { Registry } from 'prom-client';
import { expect, it, vi } from 'vitest';
import { registerUpstreamMetrics } from '@penstock/upstream-metrics';
import { startTestGateway, type TestGateway } from '../../start-test-gateway.ts';
import { sumOf } from './exposition.ts';
import { countPromClientCalls } from './prom-client-calls.ts';
import { PLAIN } from '../../../src/config/plain.ts';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';

function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

interface Calls {
  /** How often each method of the metrics was called. */
  readonly methods: Readonly<Record<string, number>>;
  readonly promClient: number;
}

/** Counts the calls of each method of the metrics from here on. */
function countMethods({ metrics }: TestGateway): () => Calls['methods'] {
  const names = Object.entries(metrics).flatMap(([name, member]) => (typeof member === 'function' ? [name] : []));
  const spies = new Map(names.map((name) => [name, vi.spyOn(metrics as unknown as Record<string, () => void>, name)]));
  return () => Object.fromEntries(Array.from(spies, ([name, spy]) => [name, spy.mock.calls.length]));
}

/** Streams `events` events, each in a chunk of its own, and returns how often each method of the metrics was called, and prom-client. */
async function callsOfStream(events: number): Promise<Calls> {
  using promClient = countPromClientCalls();
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send(HEAD + chunk('event: message_start\ndata: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":1,"output_tokens":1}}}\n\n'));
    for (let index = 0; index < events; index += 1) {
      connection.send(chunk('event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}\n\n'));
      // A turn of the loop each, so that they travel apart.
      await new Promise(setImmediate);
    }
    connection.send(`${chunk('event: message_stop\ndata: {"type":"message_stop"}\n\n')}0\r\n\r\n`);
    await connection.closed();
  });
  await using gateway = await startTestGateway(upstream.origin);
  const methods = countMethods(gateway);
  promClient.reset();
  const response = await fetch(`${gateway.anthropic}/v1/messages`, {
    method: 'POST', body: '{"model":"m","max_tokens":1,"stream":true,"messages":[]}', headers: { 'content-type': 'application/json' },
  });
  const body = await response.text();
  expect(body.split('content_block_delta').length - 1).toBe(2 * events);
  await gateway.recorded(1);
  return { methods: methods(), promClient: promClient.count() };
}

it('a stream of 1,000 events calls the metrics, and prom-client, exactly as often as one of 10 (nothing is paid per event)', async () => {
  const calls = await callsOfStream(10);
  expect(calls.methods).toMatchObject({ recordRequest: 1, requestStarted: 1, requestEnded: 1, streamOpened: 1, streamClosed: 1, observerError: 0 });
  // The wait for the connection, where it came from, and how long it took to make: of the request itself nothing is prom-client's.
  expect(calls.promClient).toBeGreaterThan(0);
  // Without shortcuts (PENSTOCK_PLAIN) its histograms are prom-client's, too.
  if (!PLAIN) expect(calls.promClient).toBeLessThanOrEqual(5);
  expect(await callsOfStream(1_000)).toEqual(calls);
});

it('a small request whose connections are kept calls five methods of the metrics once each, and prom-client never', async () => {
  using promClient = countPromClientCalls();
  const answer = '{"type":"message","model":"m","usage":{"input_tokens":1,"output_tokens":1}}';
  await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], answer)));
  await using gateway = await startTestGateway(upstream.origin);
  const send = async (): Promise<void> => {
    const response = await fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', body: '{"model":"m","max_tokens":1,"messages":[]}', headers: { 'content-type': 'application/json' } });
    expect(await response.text()).toBe(answer);
  };
  await send();
  await gateway.recorded(1);
  const methods = countMethods(gateway);
  promClient.reset();
  for (let sent = 0; sent < 20; sent += 1) {
    await send();
    // The next one finds the upstream's connection idle.
    await gateway.recorded(sent + 2);
  }
  const called = Object.entries(methods()).filter(([, count]) => count > 0);
  expect(Object.fromEntries(called)).toEqual({ requestStarted: 20, headersDropped: 20, quotaSeen: 20, recordRequest: 20, requestEnded: 20 });
  // Without shortcuts (PENSTOCK_PLAIN) its histograms are prom-client's.
  if (!PLAIN) expect(promClient.count()).toBe(0);
});

/** The scrape of a registry with the metrics of so many upstreams. */
async function scrapeOf(upstreamCount: number): Promise<() => Promise<string>> {
  const registry = new Registry();
  const client = {
    stats: () => ({ origin: 'http://127.0.0.1', maxConnections: 1, maxKeepAliveConnections: 1, maxWaiting: 1, active: 0, idle: 0, connecting: 0, waiting: 0 }),
    on: () => undefined, off: () => undefined,
  };
  const upstreams = registerUpstreamMetrics({ registry });
  for (let index = 0; index < upstreamCount; index += 1) upstreams.add(`upstream ${index}`, client);
  return () => registry.metrics();
}

it('a scrape of 25,000 series takes time that grows with their number', async () => {
  const [small, large] = await Promise.all([scrapeOf(2), scrapeOf(400)]);
  const text = await large();
  expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length).toBeGreaterThan(25_000);
  expect(sumOf(text, 'penstock_upstream_pool_waiting')).toBe(0);
  expect(await measureGrowth({ small, large, atMost: 1_600 })).toBeLessThan(1_600);
});
