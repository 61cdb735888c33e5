import { spawnSync } from 'node:child_process';
import { assert, double, property, string } from 'fast-check';
import { Counter, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import {
  ACQUISITION_SOURCES, CONNECT_FAILURE_REASONS, DISCONNECT_REASONS, isUpstreamMetricsError, REJECTION_REASONS, registerUpstreamMetrics,
} from '../src/index.ts';
import { countSamples, EmittingUpstream, sample } from './emitting-upstream.ts';

function invalid(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return isUpstreamMetricsError(error) ? `${error.code}: ${error.message}` : error;
  }
}

const native = { upstream: 'native', origin: 'https://api.example.com' };

function setup(): { readonly registry: Registry; readonly client: EmittingUpstream; readonly metrics: ReturnType<typeof registerUpstreamMetrics> } {
  const registry = new Registry();
  const client = new EmittingUpstream();
  return { registry, client, metrics: registerUpstreamMetrics({ registry, clients: { native: client } }) };
}

describe('gauges', () => {
  it('are what stats() says at the moment of the scrape (they cannot drift from the pool)', async () => {
    const { registry, client } = setup();
    client.numbers = { ...client.numbers, active: 3, idle: 2, connecting: 1, waiting: 7 };
    const text = await registry.metrics();
    for (const [state, count] of Object.entries({ active: 3, idle: 2, connecting: 1 })) {
      expect(sample(text, 'penstock_upstream_pool_connections', { ...native, state })).toBe(count);
    }
    expect(sample(text, 'penstock_upstream_pool_waiting', native)).toBe(7);
    client.numbers = { ...client.numbers, maxConnections: 40, maxKeepAliveConnections: 20, maxWaiting: 200, waiting: 0 };
    const later = await registry.metrics();
    expect(sample(later, 'penstock_upstream_pool_waiting', native)).toBe(0);
    expect(sample(later, 'penstock_upstream_pool_max_connections', native)).toBe(40);
    expect(sample(later, 'penstock_upstream_pool_max_keepalive_connections', native)).toBe(20);
    expect(sample(later, 'penstock_upstream_pool_max_waiting', native)).toBe(200);
  });

  it('tell apart the clients that requests were tagged with, those that have nothing included (who holds the pool is one series away)', async () => {
    const registry = new Registry();
    const client = new EmittingUpstream();
    registerUpstreamMetrics({ registry, clients: { native: client }, clientNames: () => ['alice', 'mallory'] });
    client.numbers = { ...client.numbers, waiting: 2, clients: [{ client: 'mallory', held: 4, waiting: 0 }, { client: 'alice', held: 0, waiting: 1 }, { client: '', held: 1, waiting: 1 }] };
    const text = await registry.metrics();
    const shares = (name: string): (number | undefined)[] => ['mallory', 'alice', ''].map((tag) => sample(text, `penstock_upstream_pool_${name}`, { ...native, client: tag }));
    expect(shares('held')).toEqual([4, 0, 1]);
    expect(shares('waiting')).toEqual([0, 1, 1]);
    client.numbers = { ...client.numbers, clients: [{ client: 'a person', held: 1, waiting: 1 }, { client: 'another', held: 1, waiting: 0 }] };
    expect(sample(await registry.metrics(), 'penstock_upstream_pool_held', { client: 'other' })).toBe(2);
    expect(await registry.metrics()).not.toContain('a person');
    client.numbers = { ...client.numbers, waiting: 0, clients: [] };
    const calm = await registry.metrics();
    expect(sample(calm, 'penstock_upstream_pool_held', { client: 'mallory' })).toBe(0);
    expect(sample(calm, 'penstock_upstream_pool_held', { client: '' })).toBeUndefined();
  });

  it('are one series with an empty client where no request is tagged', async () => {
    const { registry, client } = setup();
    client.numbers = { ...client.numbers, active: 2, connecting: 1, waiting: 5 };
    const untold = await registry.metrics();
    expect(sample(untold, 'penstock_upstream_pool_held', { client: '' })).toBe(3);
    expect(sample(untold, 'penstock_upstream_pool_waiting', { client: '' })).toBe(5);
    expect(sample(untold, 'penstock_upstream_pool_oldest_wait_seconds', native)).toBeUndefined();
    client.numbers = { ...client.numbers, clients: [], oldestWaitMs: 2_500 };
    expect(sample(await registry.metrics(), 'penstock_upstream_pool_waiting', { client: '' })).toBe(0);
    expect(sample(await registry.metrics(), 'penstock_upstream_pool_oldest_wait_seconds', native)).toBe(2.5);
  });

  it('leave out a client that cannot tell its numbers (one broken client does not take the scrape of the others)', async () => {
    const { registry, client, metrics } = setup();
    metrics.add('other', new EmittingUpstream());
    client.stats = () => {
      throw new Error('destroyed');
    };
    const text = await registry.metrics();
    expect(sample(text, 'penstock_upstream_pool_waiting', native)).toBeUndefined();
    expect(sample(text, 'penstock_upstream_pool_waiting', { upstream: 'other' })).toBe(0);
  });
});

describe('counters and histograms', () => {
  it('exist at 0 for every closed label value before anything happened (rate() sees the first failure)', async () => {
    const text = await setup().registry.metrics();
    const closed = {
      upstream_pool_acquisitions_total: ['source', ACQUISITION_SOURCES], upstream_pool_rejections_total: ['reason', REJECTION_REASONS],
      upstream_connect_errors_total: ['reason', CONNECT_FAILURE_REASONS], upstream_connections_closed_total: ['reason', DISCONNECT_REASONS],
      upstream_tls_handshakes_total: ['session', ['resumed', 'full']],
    } as const;
    for (const [name, [label, values]] of Object.entries(closed)) {
      for (const value of values) expect(sample(text, `penstock_${name}`, { ...native, [label]: value }), `${name} ${value}`).toBe(0);
    }
    expect(sample(text, 'penstock_upstream_pool_acquire_seconds_count', native)).toBe(0);
    expect(sample(text, 'penstock_upstream_connect_seconds_count', native)).toBe(0);
  });

  it('count each event once, in seconds', async () => {
    const { registry, client } = setup();
    client.emit('acquired', { waitMs: 0.2, source: 'reused' });
    client.emit('acquired', { waitMs: 4_900, source: 'queued' });
    client.emit('connected', { durationMs: 30, tlsSessionReused: true });
    client.emit('connected', { durationMs: 60 });
    client.emit('connect_failed', { reason: 'refused', durationMs: 1 });
    client.emit('disconnected', { reason: 'idle_expired' });
    client.emit('rejected', { reason: 'queue_full' });
    const text = await registry.metrics();
    expect(sample(text, 'penstock_upstream_pool_acquire_seconds_sum', native)).toBeCloseTo(4.9002);
    expect(sample(text, 'penstock_upstream_pool_acquire_seconds_bucket', { ...native, le: '0.00025' })).toBe(1);
    expect(sample(text, 'penstock_upstream_pool_acquisitions_total', { ...native, source: 'queued' })).toBe(1);
    expect(sample(text, 'penstock_upstream_connect_seconds_count', native)).toBe(2);
    expect(sample(text, 'penstock_upstream_tls_handshakes_total', { ...native, session: 'resumed' })).toBe(1);
    expect(sample(text, 'penstock_upstream_tls_handshakes_total', { ...native, session: 'full' })).toBe(0);
    expect(sample(text, 'penstock_upstream_connect_errors_total', { ...native, reason: 'refused' })).toBe(1);
    expect(sample(text, 'penstock_upstream_connections_closed_total', { ...native, reason: 'idle_expired' })).toBe(1);
    expect(sample(text, 'penstock_upstream_pool_rejections_total', { ...native, reason: 'queue_full' })).toBe(1);
  });

  it('make one series of all reasons this version does not know (a chatty client cannot grow the scrape)', async () => {
    const { registry, client } = setup();
    const before = countSamples(await registry.metrics());
    for (let index = 0; index < 5_000; index += 1) {
      client.emit('disconnected', { reason: `reason ${index}` });
      client.emit('acquired', { waitMs: 1, source: `source ${index}` });
    }
    const text = await registry.metrics();
    expect(countSamples(text) - before).toBeLessThanOrEqual(2);
    expect(sample(text, 'penstock_upstream_connections_closed_total', { ...native, reason: 'other' })).toBe(5_000);
  });

  it('never throw into the client, whatever number an event carries (observing never hurts)', async () => {
    const { registry, client } = setup();
    assert(property(double(), string(), (number, reason) => {
      client.emit('acquired', { waitMs: number, source: reason });
      client.emit('connected', { durationMs: number });
      client.emit('connect_failed', { durationMs: number, reason });
    }));
    expect(sample(await registry.metrics(), 'penstock_upstream_pool_acquire_seconds_sum', native)).toBeGreaterThanOrEqual(0);
  });
});

describe('the life of a registration', () => {
  it('removes the gauges and the listeners of a client, and goes on counting where it stopped (counters never fall)', async () => {
    const { registry, client, metrics } = setup();
    client.emit('acquired', { waitMs: 1, source: 'new' });
    expect(sample(await registry.metrics(), 'penstock_upstream_pool_waiting', native)).toBe(0);
    expect(metrics.remove('native')).toBe(true);
    expect(metrics.remove('native')).toBe(false);
    expect(client.listenerCount()).toBe(0);
    const between = await registry.metrics();
    expect(sample(between, 'penstock_upstream_pool_waiting', native)).toBeUndefined();
    expect(sample(between, 'penstock_upstream_pool_acquisitions_total', { ...native, source: 'new' })).toBe(1);
    const successor = new EmittingUpstream();
    metrics.add('native', successor);
    successor.emit('acquired', { waitMs: 1, source: 'new' });
    const text = await registry.metrics();
    expect(sample(text, 'penstock_upstream_pool_acquisitions_total', { ...native, source: 'new' })).toBe(2);
    expect(sample(text, 'penstock_upstream_pool_acquire_seconds_count', native)).toBe(2);
  });

  it('leaves the registry as it was after dispose (the metrics of the service stay)', async () => {
    const registry = new Registry();
    const own = new Counter({ name: 'service_requests_total', help: 'Requests.', registers: [registry] });
    own.inc();
    const before = await registry.metrics();
    const client = new EmittingUpstream();
    registerUpstreamMetrics({ registry, clients: { native: client } }).dispose();
    expect(await registry.metrics()).toBe(before);
    expect(client.listenerCount()).toBe(0);
    registerUpstreamMetrics({ registry, clients: { native: client } });
    expect(sample(await registry.metrics(), 'penstock_upstream_pool_waiting', native)).toBe(0);
  });

  it('keeps clients apart by name, also on one origin', async () => {
    const { registry, client, metrics } = setup();
    metrics.add('front_door', new EmittingUpstream());
    client.emit('rejected', { reason: 'timeout' });
    const text = await registry.metrics();
    expect(sample(text, 'penstock_upstream_pool_rejections_total', { upstream: 'native', reason: 'timeout' })).toBe(1);
    expect(sample(text, 'penstock_upstream_pool_rejections_total', { upstream: 'front_door', reason: 'timeout' })).toBe(0);
  });

  it('takes another prefix, an empty registry of clients and names with any character', async () => {
    const registry = new Registry();
    const metrics = registerUpstreamMetrics({ registry, prefix: 'shop_' });
    metrics.add('a "quoted"\nname', new EmittingUpstream());
    expect(await registry.metrics()).toContain('shop_upstream_pool_waiting{upstream="a \\"quoted\\"\\nname",origin="https://api.example.com",client=""} 0');
  });

  it('refuses a prefix, a name or a second client of one name, saying what it received', () => {
    const registry = new Registry();
    expect(invalid(() => registerUpstreamMetrics({ registry, prefix: '9 lives' }))).toBe(
      'invalid_option: prefix must start a metric name (letters, digits, _ and :), received "9 lives"');
    const metrics = registerUpstreamMetrics({ registry, clients: { native: new EmittingUpstream() } });
    expect(invalid(() => metrics.add('native', new EmittingUpstream()))).toBe('duplicate_upstream: an upstream named "native" is already observed');
    expect(invalid(() => registerUpstreamMetrics({ registry }))).toMatch(/^already_registered: the registry has these metrics already/);
    expect(invalid(() => metrics.add('', new EmittingUpstream()))).toMatch(/^invalid_option: .* must not be empty/);
    expect(isUpstreamMetricsError(new Error('x'))).toBe(false);
  });
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

describe('the exposition', () => {
  it.skipIf(!hasPromtool)(`passes promtool check metrics${hasPromtool ? '' : ' (skipped: promtool is not installed)'}`, async () => {
    const { registry, client } = setup();
    client.emit('acquired', { waitMs: 1, source: 'new' });
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: await registry.metrics(), encoding: 'utf8' });
    expect({ status: checked.status, output: checked.stdout + checked.stderr }).toEqual({ status: 0, output: '' });
  });
});
