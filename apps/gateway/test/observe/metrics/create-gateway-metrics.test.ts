import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { CLIENT_LIMIT_NAMES } from '../../../src/config/sections/clients-section.ts';
import { OUTCOMES, type RequestRecord, type Side } from '../../../src/request/request-record.ts';
import { declaredMetrics, samplesOf, sumOf } from './exposition.ts';
import { MAX_ZEROED_SERIES } from '../../../src/observe/metrics/create-request-recorder.ts';
import { createTestMetrics, openRequest, STREAMED_MESSAGE } from './request-records.ts';

const SIDES: readonly Side[] = ['native', 'front_door'];

describe('before the first request', () => {
  it('every outcome, source, direction, reason and limit exists at 0 (rate() sees the first failure of a kind)', async () => {
    const text = await createTestMetrics().registry.metrics();
    for (const side of SIDES) {
      for (const outcome of OUTCOMES) expect(sumOf(text, 'penstock_request_outcomes_total', { side, outcome }), outcome).toBe(0);
      for (const source of ['final', 'partial', 'missing']) expect(sumOf(text, 'penstock_usage_total', { side, source })).toBe(0);
      for (const direction of ['request', 'response']) expect(sumOf(text, 'penstock_relay_bytes_total', { side, direction })).toBe(0);
      expect(sumOf(text, 'penstock_streams_without_stop_total', { side })).toBe(0);
      expect(sumOf(text, 'penstock_requests_in_flight', { side })).toBe(0);
      expect(sumOf(text, 'penstock_streams_open', { side })).toBe(0);
      for (const client of ['anonymous', 'alice']) expect(sumOf(text, 'penstock_requests_total', { side, client })).toBe(0);
    }
    for (const direction of ['request', 'response']) {
      for (const reason of ['credential', 'hop_by_hop']) expect(sumOf(text, 'penstock_headers_dropped_total', { direction, reason })).toBe(0);
    }
    for (const limit of CLIENT_LIMIT_NAMES) expect(sumOf(text, 'penstock_limit_rejections_total', { client: 'alice', limit })).toBe(0);
    expect(sumOf(text, 'penstock_observer_errors_total')).toBe(0);
    expect(sumOf(text, 'penstock_draining')).toBe(0);
    expect(sumOf(text, 'penstock_config_last_reload_successful')).toBe(1);
    expect(sumOf(text, 'penstock_build_info', { version: '1.2.3' })).toBe(1);
    expect(sumOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  it('no quota is shown (a quota that starts at 0 would look spent)', async () => {
    const text = await createTestMetrics().registry.metrics();
    expect(samplesOf(text).filter((line) => line.startsWith('penstock_anthropic'))).toEqual([]);
  });
});

describe('a finished request', () => {
  it('is counted once in each series it belongs to, in base units', async () => {
    const metrics = createTestMetrics();
    metrics.recordRequest(STREAMED_MESSAGE);
    const text = await metrics.registry.metrics();
    expect(sumOf(text, 'penstock_requests_total')).toBe(1);
    expect(sumOf(text, 'penstock_requests_total', {
      side: 'native', route: '/anthropic/v1/messages', method: 'POST', status: '200', outcome: 'ok', client: 'alice' })).toBe(1);
    expect(sumOf(text, 'penstock_request_outcomes_total')).toBe(1);
    expect(sumOf(text, 'penstock_request_seconds_sum')).toBeCloseTo(1.2);
    expect(sumOf(text, 'penstock_time_to_first_byte_seconds_sum', { stream: 'true' })).toBeCloseTo(0.4);
    expect(sumOf(text, 'penstock_overhead_seconds_sum')).toBeCloseTo(0.0004);
    expect(sumOf(text, 'penstock_stream_gap_seconds_sum')).toBeCloseTo(0.09);
    expect(sumOf(text, 'penstock_relay_bytes_total', { direction: 'request' })).toBe(100);
    expect(sumOf(text, 'penstock_relay_bytes_total', { direction: 'response' })).toBe(2_000);
    const tokens = { input: 1, output: 2, cache_read: 3, cache_write_5m: 4, cache_write_1h: 5 };
    for (const [type, count] of Object.entries(tokens)) {
      expect(sumOf(text, 'penstock_tokens_total', { side: 'native', model: 'claude-opus-4-8', client: 'alice', type })).toBe(count);
    }
    expect(sumOf(text, 'penstock_usage_total', { source: 'final' })).toBe(1);
    expect(sumOf(text, 'penstock_streams_without_stop_total')).toBe(0);
  });

  it('counts a well-framed stream without a stop event, and not one whose outcome says why it has none', async () => {
    const metrics = createTestMetrics();
    metrics.recordRequest({ ...STREAMED_MESSAGE, sawStop: false });
    metrics.recordRequest({ ...STREAMED_MESSAGE, sawStop: false, outcome: 'upstream_truncated' });
    metrics.recordRequest({ ...STREAMED_MESSAGE, sawStop: false, outcome: 'client_gone' });
    expect(sumOf(await metrics.registry.metrics(), 'penstock_streams_without_stop_total')).toBe(1);
  });
});

describe('open requests', () => {
  it('are counted by side and client, 0 for every configured client that has none (a client that holds everything is seen while it does)', async () => {
    const metrics = createTestMetrics({ clientNames: ['alice', 'mallory'] });
    const open = ['mallory', 'mallory', 'unauthenticated', 'a client that was removed'].map((client) => openRequest(client));
    for (const request of open) metrics.requestStarted('native', request);
    const inFlight = async (labels: Readonly<Record<string, string>>): Promise<number | undefined> => sumOf(await metrics.registry.metrics(), 'penstock_requests_in_flight', labels);
    expect(await inFlight({ side: 'native', client: 'mallory' })).toBe(2);
    expect(await inFlight({ side: 'native', client: 'alice' })).toBe(0);
    expect(await inFlight({ side: 'native', client: 'unauthenticated' })).toBe(1);
    expect(await inFlight({ side: 'native', client: 'other' })).toBe(1);
    expect(await inFlight({ side: 'front_door' })).toBe(0);
    // The client is known only once its key was read.
    open[2]!.client = 'alice';
    expect(await inFlight({ side: 'native', client: 'alice' })).toBe(1);
    for (const request of [open[1]!, open[0]!, open[3]!, open[2]!, open[2]!]) metrics.requestEnded('native', request);
    expect(await inFlight({})).toBe(0);
    metrics.setClientNames(['alice']);
    expect(await inFlight({ client: 'mallory' })).toBeUndefined();
  });

  it('have the age of the oldest, by side; 0 when none is open', async () => {
    const metrics = createTestMetrics();
    const oldest = async (side: Side): Promise<number | undefined> => sumOf(await metrics.registry.metrics(), 'penstock_oldest_request_seconds', { side });
    const old = openRequest('alice', performance.now() - 252_000);
    const young = openRequest('alice', performance.now() - 10_000);
    metrics.requestStarted('native', old);
    metrics.requestStarted('native', young);
    expect(await oldest('native')).toBeGreaterThanOrEqual(252);
    expect(await oldest('front_door')).toBe(0);
    metrics.requestEnded('native', old);
    expect(await oldest('native')).toBeGreaterThanOrEqual(10);
    expect(await oldest('native')).toBeLessThan(252);
    metrics.requestEnded('native', young);
    expect(await oldest('native')).toBe(0);
  });
});

describe('the fault of a request', () => {
  it.each([
    ['ok', 200, 'none'], ['client_error', 401, 'client'], ['client_gone', 499, 'client'], ['overloaded', 429, 'gateway'],
    ['upstream_credential_refused', 401, 'gateway'], ['upstream_unreachable', 502, 'network'], ['stream_error_event', 200, 'upstream'],
    ['upstream_error', 429, 'upstream'], ['upstream_error', 529, 'upstream'], ['upstream_error', 500, 'upstream'], ['upstream_error', 400, 'client'], ['upstream_error', 404, 'client'],
  ] as const)('%s with status %d is that of: %s', async (outcome, status, fault) => {
    const metrics = createTestMetrics();
    metrics.recordRequest({ ...STREAMED_MESSAGE, outcome, status });
    expect(sumOf(await metrics.registry.metrics(), 'penstock_requests_total', { outcome, status: String(status), fault })).toBe(1);
  });
});

describe('bounded cardinality', () => {
  it('100,000 model names, paths, methods, statuses and clients add a bounded number of series (a scrape cannot be made to explode)', async () => {
    const metrics = createTestMetrics();
    metrics.recordRequest(STREAMED_MESSAGE);
    const before = samplesOf(await metrics.registry.metrics()).length;
    for (let index = 0; index < 100_000; index += 1) {
      metrics.recordRequest({
        ...STREAMED_MESSAGE, model: `claude-${index}`, route: `/anthropic/v1/${index}`, method: `M${index}`, status: 1_000 + index, client: `client ${index}`,
      });
      metrics.limitRejected(`client ${index}`, `limit ${index}`);
      metrics.headersDropped('request', [{ reason: `reason ${index}` }]);
      metrics.quotaSeen([`anthropic-ratelimit-unified-w${index}-utilization`, '0.5', `anthropic-ratelimit-x${index}-limit`, '1']);
    }
    const text = await metrics.registry.metrics();
    // 20 models and `other`, five token types and a cost each, of two clients and `other`, one of requests without a price and ten of the first byte each, and
    // one combination of everything else.
    expect(samplesOf(text).length - before).toBeLessThan(21 * 6 * 3 + 21 + 21 * 10 + 80);
    expect(new Set(samplesOf(text).flatMap((line) => /model="([^"]*)"/.exec(line)?.[1] ?? [])).size).toBe(21);
    expect(sumOf(text, 'penstock_requests_total', { route: 'other', method: 'other', status: 'other', client: 'other' })).toBe(100_000);
    expect(sumOf(text, 'penstock_tokens_total', { type: 'input' })).toBe(100_001);
  });

  it('the tokens of every client exist at 0 once a model answered one of them, up to a bound (increase() misses the value that a series begins with)', async () => {
    const metrics = createTestMetrics({ clientNames: ['alice', 'bob'] });
    metrics.recordRequest(STREAMED_MESSAGE);
    const text = await metrics.registry.metrics();
    for (const client of ['bob', 'anonymous']) expect(sumOf(text, 'penstock_tokens_total', { side: 'native', model: 'claude-opus-4-8', client })).toBe(0);
    expect(sumOf(text, 'penstock_tokens_total', { side: 'front_door' })).toBeUndefined();
    expect(sumOf(text, 'penstock_tokens_total', { client: 'unauthenticated' })).toBeUndefined();
    const many = createTestMetrics({ clientNames: Array.from({ length: 5_000 }, (_, index) => `client ${index}`) });
    many.recordRequest({ ...STREAMED_MESSAGE, client: 'client 1' });
    expect(samplesOf(await many.registry.metrics()).filter((line) => line.startsWith('penstock_tokens_total')).length).toBe(MAX_ZEROED_SERIES);
  });

  it('counts what requests cost in exact integers and shows dollars, the parts of other models under theirs, and requests without a price', async () => {
    const metrics = createTestMetrics();
    const cost = { ...STREAMED_MESSAGE.cost, nanoDollars: 100_000_000n, isEstimated: false, model: 'x', tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 }, webSearches: 0 };
    const tokens = cost.tokens;
    for (let index = 0; index < 10; index += 1) metrics.recordRequest({ ...STREAMED_MESSAGE, cost: { ...cost, isPriceKnown: true } });
    metrics.recordRequest({ ...STREAMED_MESSAGE, cost: { ...cost, isPriceKnown: false, parts: [{ tokens, nanoDollars: 1n }, { model: 'advisor', tokens, nanoDollars: 99_999_999n }] } });
    const { cost: _none, ...free } = STREAMED_MESSAGE;
    metrics.recordRequest(free);
    const text = await metrics.registry.metrics();
    expect(sumOf(text, 'penstock_cost_dollars_total', { side: 'native', upstream: 'native', model: 'claude-opus-4-8', client: 'alice' })).toBe(1.000_000_001);
    expect(sumOf(text, 'penstock_cost_dollars_total', { model: 'advisor', client: 'alice' })).toBe(0.099_999_999);
    expect(sumOf(text, 'penstock_cost_dollars_total', { model: 'claude-opus-4-8', client: 'anonymous' })).toBe(0);
    expect(sumOf(text, 'penstock_unpriced_requests_total', {})).toBe(1);
  });

  it('takes no model name that is not a short token (a response cannot write prose into a label)', async () => {
    const metrics = createTestMetrics();
    for (const model of ['', 'a b', 'x'.repeat(101), 'claude"}', 'né', '-x', '\n']) metrics.recordRequest({ ...STREAMED_MESSAGE, model });
    const { model: _none, ...unnamed } = STREAMED_MESSAGE;
    metrics.recordRequest(unnamed);
    expect(sumOf(await metrics.registry.metrics(), 'penstock_tokens_total', { model: 'other', type: 'input' })).toBe(8);
  });

  it('keeps an unregistered status as its class', async () => {
    const metrics = createTestMetrics();
    for (const status of [529, 499, 599, 218]) metrics.recordRequest({ ...STREAMED_MESSAGE, status });
    const text = await metrics.registry.metrics();
    for (const status of ['529', '499', '5xx', '2xx']) expect(sumOf(text, 'penstock_requests_total', { status })).toBe(1);
  });
});

describe('what happens outside a request', () => {
  it('moves gauges up and down, and counts drops, limits, reloads and observer errors', async () => {
    const metrics = createTestMetrics({ readBudgets: () => ({ native: { usedBytes: 7, maxBytes: 9 }, front_door: { usedBytes: 1, maxBytes: 2 } }) });
    const ended = openRequest();
    metrics.requestStarted('native', ended);
    metrics.requestStarted('native', openRequest());
    metrics.requestEnded('native', ended);
    metrics.streamOpened('front_door');
    metrics.headersDropped('response', [{ reason: 'hop_by_hop' }, { reason: 'hop_by_hop' }]);
    metrics.limitRejected('alice', 'requests_per_minute');
    metrics.observerError('usage', new Error('x'));
    metrics.setDraining(true);
    metrics.configReloaded('failure');
    const text = await metrics.registry.metrics();
    expect(sumOf(text, 'penstock_requests_in_flight', { side: 'native' })).toBe(1);
    expect(sumOf(text, 'penstock_streams_open', { side: 'front_door' })).toBe(1);
    expect(sumOf(text, 'penstock_headers_dropped_total', { direction: 'response', reason: 'hop_by_hop' })).toBe(2);
    expect(sumOf(text, 'penstock_limit_rejections_total', { client: 'alice', limit: 'requests_per_minute' })).toBe(1);
    expect(sumOf(text, 'penstock_observer_errors_total')).toBe(1);
    expect(sumOf(text, 'penstock_draining')).toBe(1);
    expect(sumOf(text, 'penstock_config_reloads_total', { result: 'failure' })).toBe(1);
    expect(sumOf(text, 'penstock_config_last_reload_successful')).toBe(0);
    expect(sumOf(text, 'penstock_buffered_bytes', { side: 'native' })).toBe(7);
    expect(sumOf(text, 'penstock_buffered_bytes_limit', { side: 'native' })).toBe(9);
    expect(sumOf(text, 'penstock_buffered_bytes', { side: 'front_door' })).toBe(1);
    expect(sumOf(text, 'penstock_buffered_bytes_limit', { side: 'front_door' })).toBe(2);
    metrics.configReloaded('success');
    metrics.setClientNames(['bob']);
    metrics.recordRequest({ ...STREAMED_MESSAGE, client: 'bob' });
    metrics.streamClosed('front_door');
    const later = await metrics.registry.metrics();
    expect(sumOf(later, 'penstock_requests_total', { client: 'bob' })).toBe(1);
    expect(sumOf(later, 'penstock_streams_open', { side: 'front_door' })).toBe(0);
    expect(sumOf(later, 'penstock_config_last_reload_successful')).toBe(1);
  });

  it('turns whatever is wrong with a record into a count (observing never hurts the bytes)', async () => {
    const metrics = createTestMetrics();
    const broken: readonly RequestRecord[] = [
      { ...STREAMED_MESSAGE, usage: { ...STREAMED_MESSAGE.usage!, input: Number.NaN } },
      { ...STREAMED_MESSAGE, usage: { ...STREAMED_MESSAGE.usage!, output: -1 } },
      { ...STREAMED_MESSAGE, requestBytes: Number.POSITIVE_INFINITY },
    ];
    for (const record of broken) metrics.recordRequest(record);
    metrics.recordRequest({ ...STREAMED_MESSAGE, durationMs: Number.NaN, overheadMs: -5 });
    const text = await metrics.registry.metrics();
    expect(sumOf(text, 'penstock_observer_errors_total')).toBeGreaterThanOrEqual(2);
    expect(sumOf(text, 'penstock_requests_total', { client: 'alice' })).toBe(4);
  });
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

describe('the exposition', () => {
  it.skipIf(!hasPromtool)(`passes promtool check metrics${hasPromtool ? '' : ' (skipped: promtool is not installed)'}`, async () => {
    const metrics = createTestMetrics({ readBudgets: () => ({ native: { usedBytes: 7, maxBytes: 9 }, front_door: { usedBytes: 1, maxBytes: 2 } }) });
    metrics.recordRequest(STREAMED_MESSAGE);
    metrics.quotaSeen(['anthropic-ratelimit-requests-remaining', '1']);
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: await metrics.registry.metrics(), encoding: 'utf8' });
    expect({ status: checked.status, output: checked.stdout + checked.stderr }).toEqual({ status: 0, output: '' });
  });

  it('is Prometheus text with a help line for every metric', async () => {
    const { registry } = createTestMetrics();
    expect(registry.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await registry.metrics();
    for (const [name] of declaredMetrics(text)) expect(text).toContain(`# HELP ${name} `);
  });
});
