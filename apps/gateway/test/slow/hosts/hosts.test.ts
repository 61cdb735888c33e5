import { openRawConnection, type RawConnection } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startFaultProxy } from '../../faults/fault-proxy.ts';
import { BOB, pause, readResult, requestBytes, STREAM_BODY } from '../../faults/fault-requests.ts';
import { ADDRESSES, whyNoHosts } from './namespaces.ts';
import { startHosts, type HostedGateway } from './start-hosts.ts';

const missing = whyNoHosts();
if (missing !== undefined) console.warn(`real hosts: SKIPPED, network namespaces cannot be made here (${missing})`);

/** Blocks of 16 KB that no socket buffers take, on both wires together. */
const MANY_BLOCKS = 4_000;
/** Far more than the longest clock (1.5 s) and what a busy machine needs to notice, far less than the quarter of an hour after which the kernel gives up sending. */
const WITHIN_MS = 60_000;
const ATTEMPTS = 5;
/** In which a request to an upstream that vanished is answered: its clock (1.5 s), and what a busy machine needs to notice. */
const ANSWERED_WITHIN_MS = 8_000;

let gateway: HostedGateway;
let restingDescriptors = 0;

async function open(query: string | undefined, host: string = ADDRESSES.gateway, port: number = gateway.port): Promise<RawConnection> {
  const connection = await openRawConnection(port, host);
  const target = query === undefined ? { method: 'GET', path: '/anthropic/v1/models' } : { path: `/anthropic/v1/messages?${query}`, body: STREAM_BODY };
  connection.send(requestBytes({ key: BOB, ...target }));
  return connection;
}

async function askModels(): Promise<string> {
  const connection = await open(undefined);
  try {
    return await readResult(connection, WITHIN_MS);
  } finally {
    connection.close();
  }
}

const outcome = (name: string): Promise<number> => gateway.metric('penstock_request_outcomes_total', { side: 'native', outcome: name });

const isServed = (): Promise<void> => vi.waitFor(async () => { expect(await askModels()).toBe('200 whole'); }, { timeout: WITHIN_MS });

/** Asks for a stream that no clock may cut; a machine that stands still for as long as a clock cuts it all the same, and not so often in a row. */
async function streamWhole(...parameters: Parameters<typeof open>): Promise<{ readonly result: string; readonly tookMs: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const startedAt = performance.now();
    const stream = await open(...parameters);
    const result = await readResult(stream, WITHIN_MS);
    stream.close();
    if (result === '200 whole' || attempt === ATTEMPTS) return { result, tookMs: performance.now() - startedAt };
    console.warn(`real hosts: tried again: ${result}`);
  }
}

/** Everything is given back: slots, streams, descriptors, connections in the kernel. */
async function expectNothingLeft(): Promise<void> {
  await expect.poll(() => gateway.metric('penstock_upstream_pool_connections', { state: 'active' }), { timeout: WITHIN_MS }).toBe(0);
  await expect.poll(() => gateway.metric('penstock_requests_in_flight', { side: 'native' }), { timeout: WITHIN_MS }).toBe(0);
  await expect.poll(() => gateway.descriptors(), { timeout: WITHIN_MS }).toBeLessThanOrEqual(restingDescriptors + 14);
}

describe.skipIf(missing !== undefined)('client, gateway and upstream on hosts of their own', () => {
  beforeAll(async () => {
    gateway = await startHosts();
    await isServed();
    restingDescriptors = gateway.descriptors();
  }, 180_000);
  afterAll(async () => {
    console.log(`real hosts: ${gateway.descriptors()} descriptors at the end, ${restingDescriptors} at the start; ${gateway.established()} connections established`);
    await gateway.close();
  });

  test('the wire to the upstream is cut in mid stream: the idle clock finds it, clients see a broken stream, and the slots come back', async () => {
    const before = await outcome('upstream_timeout');
    const streams = await Promise.all(Array.from({ length: 8 }, () => open('ticks')));
    await Promise.all(streams.map((stream) => stream.waitFor((bytes) => bytes.includes('event: ping'))));
    const cutAt = performance.now();
    gateway.hosts.upstreamLink('down');
    expect(await Promise.all(streams.map((stream) => readResult(stream, WITHIN_MS)))).toEqual(streams.map(() => '200 broken'));
    console.log(`real hosts: half-open upstream connections found after ${Math.round(performance.now() - cutAt)} ms (clock 1,500 ms)`);
    expect(await askModels()).toMatch(/^50[24] upstream_(?:unreachable|timeout)$/);
    gateway.hosts.upstreamLink('up');
    await isServed();
    expect(await outcome('upstream_timeout')).toBeGreaterThanOrEqual(before + 8);
    for (const stream of streams) stream.close();
    await expectNothingLeft();
  });

  test('the wire to the client is cut in mid stream: the client-stall clock finds it, and the upstream is let go', async () => {
    const before = await outcome('client_stalled');
    const streams = await Promise.all(Array.from({ length: 4 }, () => open(String(MANY_BLOCKS))));
    await Promise.all(streams.map((stream) => stream.waitFor((bytes) => bytes.includes('event: ping'))));
    for (const { socket } of streams) socket.pause();
    const cutAt = performance.now();
    gateway.hosts.clientLink('down');
    await expect.poll(() => outcome('client_stalled'), { timeout: WITHIN_MS }).toBe(before + 4);
    console.log(`real hosts: half-open client connections found after ${Math.round(performance.now() - cutAt)} ms (clock 1,500 ms)`);
    gateway.hosts.clientLink('up');
    for (const stream of streams) stream.close();
    await expectNothingLeft();
    await isServed();
  });

  test('a quiet stream whose client vanished fills no buffer: it ends when the kernel gives up sending (net.ipv4.tcp_retries2)', async () => {
    gateway.hosts.onGateway('sysctl -q -w net.ipv4.tcp_retries2=3');
    const before = await outcome('client_gone');
    const stream = await open('ticks');
    await stream.waitFor((bytes) => bytes.includes('event: ping'));
    gateway.hosts.clientLink('down');
    try {
      await expect.poll(() => outcome('client_gone'), { timeout: WITHIN_MS }).toBe(before + 1);
    } finally {
      gateway.hosts.clientLink('up');
      gateway.hosts.onGateway('sysctl -q -w net.ipv4.tcp_retries2=15');
      stream.close();
    }
    await expectNothingLeft();
  });

  test('an idle connection whose other end vanished silently costs one clock, not a slot', async () => {
    await isServed();
    gateway.hosts.onGateway(`ip route add blackhole ${ADDRESSES.upstream}/32`);
    const startedAt = performance.now();
    expect(await askModels()).toMatch(/^50[24] upstream_(?:unreachable|timeout|reset)$/);
    expect(performance.now() - startedAt).toBeLessThan(ANSWERED_WITHIN_MS);
    expect(await askModels()).toMatch(/^50[24] upstream_(?:unreachable|timeout|reset)$/);
    gateway.hosts.onGateway(`ip route del blackhole ${ADDRESSES.upstream}/32`);
    await isServed();
    await expectNothingLeft();
  });

  test('a wire of 2 Mbit/s slows a stream that moves, and no clock cuts it', async () => {
    gateway.hosts.onGateway('tc qdisc add dev client root tbf rate 2mbit burst 16kbit latency 400ms');
    try {
      const { result, tookMs } = await streamWhole('40');
      expect(result).toBe('200 whole');
      expect(tookMs).toBeGreaterThan(1_500);
    } finally {
      gateway.hosts.onGateway('tc qdisc del dev client root');
    }
    await expectNothingLeft();
  });

  test('200 ms of latency each way is no fault; silence behind them is', async () => {
    const proxy = await startFaultProxy(gateway.port, { targetHost: ADDRESSES.gateway, latencyMs: 200 });
    expect((await streamWhole('10', '127.0.0.1', proxy.port)).result).toBe('200 whole');
    const before = await outcome('client_gone') + await outcome('client_stalled');
    const stream = await open('ticks', '127.0.0.1', proxy.port);
    await stream.waitFor((bytes) => bytes.includes('event: ping'));
    stream.close();
    await expect.poll(async () => await outcome('client_gone') + await outcome('client_stalled'), { timeout: WITHIN_MS }).toBe(before + 1);
    await proxy.close();
    await expectNothingLeft();
    await pause(100);
    await isServed();
  });
});
