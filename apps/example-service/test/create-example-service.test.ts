import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { ACQUISITION_SOURCES, CONNECT_FAILURE_REASONS, DISCONNECT_REASONS, REJECTION_REASONS } from '@penstock/upstream-client';
import {
  ACQUISITION_SOURCES as SOURCES_SHOWN, CONNECT_FAILURE_REASONS as CONNECT_FAILURES_SHOWN, DISCONNECT_REASONS as DISCONNECTS_SHOWN,
  REJECTION_REASONS as REJECTIONS_SHOWN,
} from '@penstock/upstream-metrics';
import { afterEach, describe, expect, it } from 'vitest';
import { createExampleService, type ExampleService, type ExampleServiceOptions } from '../src/index.ts';

/** A weather service that counts what arrives and answers when the test says so. */
interface WeatherUpstream {
  readonly origin: string;
  readonly server: Server;
  requests: number;
  sockets: number;
  peakSockets: number;
  release(): void;
}

const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

async function startWeather({ held = false } = {}): Promise<WeatherUpstream> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  if (!held) release();
  const server = createServer((_request, response) => {
    upstream.requests += 1;
    void released.then(() => response.end('sunny'));
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    upstream.sockets += 1;
    upstream.peakSockets = Math.max(upstream.peakSockets, upstream.sockets);
    socket.once('close', () => { upstream.sockets -= 1; });
  });
  const upstream: WeatherUpstream = { origin: await listen(server), server, requests: 0, sockets: 0, peakSockets: 0, release };
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return upstream;
}

async function startService(options: ExampleServiceOptions): Promise<ExampleService & { readonly origin: string }> {
  const service = createExampleService(options);
  cleanups.push(() => service[Symbol.asyncDispose]());
  return { ...service, origin: await listen(service.server) };
}

async function scrape(service: { readonly origin: string }): Promise<(name: string, label?: string) => number | undefined> {
  const response = await fetch(`${service.origin}/metrics`);
  const lines = (await response.text()).split('\n');
  return (name, label = '') => {
    const line = lines.find((candidate) => candidate.startsWith(`penstock_upstream_${name}{upstream="weather"`) && candidate.includes(label));
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
  };
}

function ask(service: { readonly origin: string }): Promise<number> {
  return fetch(`${service.origin}/weather/oslo`).then(async (response) => {
    await response.arrayBuffer();
    return response.status;
  });
}

/** Waits, by polling the client itself, until the pool is in a state. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => { setImmediate(resolve); });
}

describe('a service that is not the gateway', () => {
  it('shows exactly what its upstream counted: requests, open sockets, and the most at once', async () => {
    const upstream = await startWeather();
    const service = await startService({ weatherOrigin: upstream.origin, pool: { maxConnections: 4, maxKeepAliveConnections: 2 } });
    const statuses = await Promise.all(Array.from({ length: 30 }, () => ask(service)));
    expect(statuses).toEqual(Array.from({ length: 30 }, () => 200));
    await until(() => service.client.stats().active === 0 && upstream.sockets === service.client.stats().open);
    const value = await scrape(service);
    const acquired = ['reused', 'new', 'queued'].map((source) => value('pool_acquisitions_total', `source="${source}"`) ?? Number.NaN);
    expect(acquired.reduce((sum, count) => sum + count)).toBe(upstream.requests);
    expect(value('pool_acquire_seconds_count')).toBe(upstream.requests);
    expect(value('connect_seconds_count')).toBeGreaterThanOrEqual(upstream.peakSockets);
    expect(upstream.peakSockets).toBeLessThanOrEqual(4);
    expect(value('pool_connections', 'state="idle"')).toBe(upstream.sockets);
    expect(value('pool_connections', 'state="active"')).toBe(0);
    expect(value('pool_max_connections')).toBe(4);
  });

  it('shows who has a connection, who waits, and who was refused, while it happens', async () => {
    const upstream = await startWeather({ held: true });
    const service = await startService({ weatherOrigin: upstream.origin, pool: { maxConnections: 2, maxKeepAliveConnections: 2, maxWaiting: 3 } });
    const asked = Array.from({ length: 7 }, () => ask(service));
    await until(() => upstream.requests === 2 && service.client.stats().waiting === 3);
    const busy = await scrape(service);
    expect(busy('pool_connections', 'state="active"')).toBe(2);
    expect(busy('pool_waiting')).toBe(3);
    expect(busy('pool_max_waiting')).toBe(3);
    upstream.release();
    const statuses = await Promise.all(asked);
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    expect(statuses.filter((status) => status === 503)).toHaveLength(2);
    const calm = await scrape(service);
    expect(calm('pool_rejections_total', 'reason="queue_full"')).toBe(2);
    expect(calm('pool_waiting')).toBe(0);
    expect(upstream.requests).toBe(5);
  });

  it('shows why a connection could not be made', async () => {
    const upstream = await startWeather();
    upstream.server.close();
    await once(upstream.server, 'close');
    const service = await startService({ weatherOrigin: upstream.origin });
    expect(await ask(service)).toBe(503);
    const value = await scrape(service);
    expect(value('connect_errors_total', 'reason="refused"')).toBe(1);
    expect(value('connect_seconds_count')).toBe(0);
  });

  it('example service: releases a connection when its caller leaves (a forecast that is not read holds no slot)', async () => {
    const upstream = await startWeather({ held: true });
    const service = await startService({ weatherOrigin: upstream.origin });
    const caller = new AbortController();
    const asked = fetch(`${service.origin}/weather/oslo`, { signal: caller.signal }).catch(() => 'left');
    await until(() => upstream.requests === 1);
    caller.abort();
    expect(await asked).toBe('left');
    await until(() => service.client.stats().open === 0 && upstream.sockets === 0);
    const value = await scrape(service);
    expect(value('pool_connections', 'state="active"')).toBe(0);
    expect(value('connections_closed_total', 'reason="aborted"')).toBe(1);
  });
});

describe('the two packages', () => {
  it('know the same closed sets, though neither imports the other (an unknown reason would be counted as other)', () => {
    expect(SOURCES_SHOWN).toEqual(ACQUISITION_SOURCES);
    expect(REJECTIONS_SHOWN).toEqual(REJECTION_REASONS);
    expect(CONNECT_FAILURES_SHOWN).toEqual(CONNECT_FAILURE_REASONS);
    expect(DISCONNECTS_SHOWN).toEqual(DISCONNECT_REASONS);
  });
});
