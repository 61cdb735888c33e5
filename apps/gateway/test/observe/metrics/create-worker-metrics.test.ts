import { spawnSync } from 'node:child_process';
import { measureGrowth } from '@penstock/test-support';
import { Counter, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createWorkerMetrics } from '../../../src/observe/metrics/create-worker-metrics.ts';
import { mergeExpositions } from '../../../src/observe/metrics/merge-expositions.ts';
import { declaredMetrics, samplesOf, sumOf } from './exposition.ts';
import { createTestMetrics, openRequest, STREAMED_MESSAGE } from './request-records.ts';

function workerOf(id: number): { readonly id: number; readonly metrics: ReturnType<typeof createTestMetrics>; scrape(): Promise<string> } {
  const metrics = createTestMetrics({ loadsConfiguration: false });
  return { id, metrics, scrape: () => metrics.registry.metrics() };
}

describe('the metrics of several workers', () => {
  it('are whole: counters, histograms and gauges of all of them, added up', async () => {
    const all = createWorkerMetrics();
    const workers = [workerOf(1), workerOf(2)];
    for (const worker of workers) {
      all.add(worker);
      worker.metrics.requestStarted('native', openRequest());
      worker.metrics.recordRequest(STREAMED_MESSAGE);
    }
    workers[0]?.metrics.recordRequest({ ...STREAMED_MESSAGE, outcome: 'upstream_reset', status: 502 });
    const { text, contentType } = await all.scrape();
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(sumOf(text, 'penstock_request_outcomes_total', { outcome: 'ok' })).toBe(2);
    expect(sumOf(text, 'penstock_request_outcomes_total', { outcome: 'upstream_reset' })).toBe(1);
    expect(sumOf(text, 'penstock_request_seconds_count')).toBe(3);
    expect(sumOf(text, 'penstock_request_seconds_bucket', { le: '2.5' })).toBe(3);
    expect(sumOf(text, 'penstock_requests_in_flight', { side: 'native', client: 'alice' })).toBe(2);
    expect(sumOf(text, 'penstock_tokens_total', { type: 'cache_write_1h' })).toBe(15);
    expect(sumOf(text, 'penstock_workers', { state: 'up' })).toBe(2);
    const alone = declaredMetrics(await workerOf(3).scrape());
    for (const [name, type] of alone) expect(declaredMetrics(text).get(name)).toBe(type);
  });

  it('show the worst worker where a sum would hide it', async () => {
    const all = createWorkerMetrics();
    const [first, second] = [workerOf(1), workerOf(2)];
    all.add(first);
    all.add(second);
    second.metrics.setDraining(true);
    first.metrics.quotaSeen(['anthropic-ratelimit-tokens-limit', '100', 'anthropic-ratelimit-tokens-remaining', '90']);
    second.metrics.quotaSeen(['anthropic-ratelimit-tokens-limit', '100', 'anthropic-ratelimit-tokens-remaining', '10']);
    const { text } = await all.scrape();
    expect(sumOf(text, 'penstock_draining')).toBe(1);
    expect(sumOf(text, 'penstock_build_info')).toBe(1);
    expect(sumOf(text, 'penstock_anthropic_ratelimit_limit')).toBe(100);
    expect(sumOf(text, 'penstock_anthropic_ratelimit_remaining')).toBe(10);
    expect(sumOf(text, 'process_start_time_seconds')).toBeLessThan(Date.now() / 1000 + 1);
  });

  it('know of the configuration what the primary knows, which loads it (a worker that is replaced would forget a rejected one)', async () => {
    const all = createWorkerMetrics();
    for (const id of [1, 2]) all.add(workerOf(id));
    const page = async (): Promise<(number | undefined)[]> => {
      const { text } = await all.scrape();
      return [sumOf(text, 'penstock_config_last_reload_successful'), sumOf(text, 'penstock_config_reloads_total', { result: 'failure' }), sumOf(text, 'penstock_config_reloads_total', { result: 'success' })];
    };
    expect(await page()).toEqual([1, 0, 0]);
    all.configReloaded('failure');
    all.remove(1, 'crashed');
    all.add(workerOf(3));
    expect(await page()).toEqual([0, 1, 0]);
    all.configReloaded('success');
    expect(await page()).toEqual([1, 1, 1]);
  });

  it('never fall when a worker is replaced (rate() would see a reset and count everything again)', async () => {
    const all = createWorkerMetrics();
    const worker = workerOf(1);
    all.add(worker);
    worker.metrics.recordRequest(STREAMED_MESSAGE);
    worker.metrics.requestStarted('native', openRequest());
    await all.scrape();
    all.remove(1, 'crashed');
    const between = (await all.scrape()).text;
    expect(sumOf(between, 'penstock_request_outcomes_total', { outcome: 'ok' })).toBe(1);
    expect(sumOf(between, 'penstock_requests_in_flight')).toBeUndefined();
    const successor = workerOf(2);
    all.add(successor);
    successor.metrics.recordRequest(STREAMED_MESSAGE);
    all.update(2, await successor.scrape());
    all.remove(2, 'ended');
    all.remove(2, 'ended');
    const third = workerOf(3);
    all.add(third);
    const { text } = await all.scrape();
    expect(sumOf(text, 'penstock_request_outcomes_total', { outcome: 'ok' })).toBe(2);
    expect(sumOf(text, 'penstock_request_seconds_count')).toBe(2);
    expect(sumOf(text, 'penstock_requests_in_flight')).toBe(0);
    expect(sumOf(text, 'penstock_worker_crashes_total')).toBe(1);
  });

  it('do not wait for a worker that still starts, nor for one that said its last word (a scrape would take a second whenever one is replaced)', async () => {
    const all = createWorkerMetrics({ answerTimeoutMs: 600_000 });
    const states = async (): Promise<(number | undefined)[]> => {
      const { text } = await all.scrape();
      return ['up', 'silent', 'starting'].map((state) => sumOf(text, 'penstock_workers', { state }));
    };
    let isReady = false;
    const worker = workerOf(1);
    all.add({ id: 1, isReady: () => isReady, scrape: () => (isReady ? worker.scrape() : new Promise<string>(() => undefined)) });
    all.add(workerOf(2));
    expect(await states()).toEqual([1, 0, 1]);
    isReady = true;
    expect(await states()).toEqual([2, 0, 0]);
    isReady = false;
    expect(await states()).toEqual([1, 1, 0]);
  });

  it('keep the last word of a worker that overtakes its answer to a scrape (what it counted in between would be lost)', async () => {
    const all = createWorkerMetrics();
    const worker = workerOf(1);
    all.add({
      id: 1,
      async scrape() {
        const answer = await worker.scrape();
        worker.metrics.recordRequest(STREAMED_MESSAGE);
        all.update(1, await worker.scrape());
        return answer;
      },
    });
    await all.scrape();
    all.remove(1, 'ended');
    expect(sumOf((await all.scrape()).text, 'penstock_request_outcomes_total', { outcome: 'ok' })).toBe(1);
  });

  it('never fall by the last digit of a sum (fractions added up in another order differ, and a fall is a restart to Prometheus)', async () => {
    const all = createWorkerMetrics();
    for (const [id, seconds] of [[1, 0.1], [2, 0.1], [3, 0.4]] as const) {
      const worker = workerOf(id);
      worker.metrics.recordRequest({ ...STREAMED_MESSAGE, durationMs: seconds * 1_000 });
      all.add(worker);
    }
    const sumNow = async (): Promise<number> => sumOf((await all.scrape()).text, 'penstock_request_seconds_sum', { stream: 'true' }) ?? 0;
    const before = await sumNow();
    expect(before).toBe((0.1 + 0.1) + 0.4);
    expect((0.1 + 0.4) + 0.1, 'the order in which they are added up once the first is gone').toBeLessThan(before);
    all.remove(1, 'ended');
    expect(await sumNow()).toBe(before);
  });

  it('show no quota as gone that was renewed since (a worker that was idle knows only the old one)', async () => {
    const all = createWorkerMetrics();
    const [idle, busy] = [workerOf(1), workerOf(2)];
    const quota = (remaining: number, used: number, resetInMs: number): string[] => {
      const reset = Date.now() + resetInMs;
      return [
        'anthropic-ratelimit-tokens-limit', '100', 'anthropic-ratelimit-tokens-remaining', String(remaining), 'anthropic-ratelimit-tokens-reset', new Date(reset).toISOString(),
        'anthropic-ratelimit-unified-5h-utilization', String(used), 'anthropic-ratelimit-unified-5h-reset', String(Math.round(reset / 1_000)),
      ];
    };
    idle.metrics.quotaSeen(quota(1, 0.99, -60_000));
    busy.metrics.quotaSeen(quota(90, 0.1, 60_000));
    busy.metrics.quotaSeen(['anthropic-ratelimit-requests-remaining', '7']);
    all.add(idle);
    all.add(busy);
    const { text } = await all.scrape();
    expect(sumOf(text, 'penstock_anthropic_ratelimit_remaining', { limit: 'tokens' })).toBe(90);
    expect(sumOf(text, 'penstock_anthropic_ratelimit_remaining', { limit: 'requests' })).toBe(7);
    expect(sumOf(text, 'penstock_anthropic_unified_utilization_ratio', { window: '5h' })).toBe(0.1);
    // Two that are both running: the worse one. Nothing but history: it stays, as in a single process.
    idle.metrics.quotaSeen(quota(3, 0.5, 30_000));
    expect(sumOf((await all.scrape()).text, 'penstock_anthropic_ratelimit_remaining', { limit: 'tokens' })).toBe(3);
    for (const worker of [idle, busy]) worker.metrics.quotaSeen(quota(4, 0.5, -1_000));
    busy.metrics.quotaSeen(['anthropic-ratelimit-requests-reset', new Date(Date.now() + 60_000).toISOString()]);
    expect(sumOf((await all.scrape()).text, 'penstock_anthropic_ratelimit_remaining', { limit: 'tokens' })).toBe(4);
  });

  it('do not fail, fall or wait when a worker is silent (its last answer stands in)', async () => {
    const all = createWorkerMetrics({ answerTimeoutMs: 50 });
    const healthy = workerOf(1);
    const silent = workerOf(2);
    let answers = true;
    all.add(healthy);
    all.add({ id: 2, scrape: () => (answers ? silent.scrape() : new Promise<string>(() => undefined)) });
    silent.metrics.recordRequest(STREAMED_MESSAGE);
    await all.scrape();
    answers = false;
    healthy.metrics.recordRequest(STREAMED_MESSAGE);
    const { text } = await all.scrape();
    expect(sumOf(text, 'penstock_request_outcomes_total', { outcome: 'ok' })).toBe(2);
    expect(sumOf(text, 'penstock_workers', { state: 'silent' })).toBe(1);
    all.add({ id: 3, scrape: () => Promise.reject(new Error('gone')) });
    expect(sumOf((await all.scrape()).text, 'penstock_workers', { state: 'silent' })).toBe(2);
  });

  it('merge 12,800 series of two workers in time that grows with their number', async () => {
    const exposition = (series: number): Promise<string> => {
      const registry = new Registry();
      const counter = new Counter({ name: 'x_total', help: 'x', labelNames: ['a', 'b'], registers: [registry] });
      for (let index = 0; index < series; index += 1) counter.inc({ a: `value ${index}`, b: 'something "quoted" and long' }, index + 0.5);
      return registry.metrics();
    };
    const [few, many] = await Promise.all([exposition(50), exposition(12_800)]);
    const merged = mergeExpositions([many, many]);
    expect(samplesOf(merged)).toHaveLength(12_800);
    expect(sumOf(merged, 'x_total', { a: 'value 4999' })).toBe(9_999);
    expect(await measureGrowth({ small: () => mergeExpositions([few, few]), large: () => mergeExpositions([many, many]), atMost: 2_048 })).toBeLessThan(2_048);
  });
});

describe('merging expositions', () => {
  it('leaves a single one as it is, whatever its labels contain', async () => {
    const worker = workerOf(1);
    worker.metrics.recordRequest(STREAMED_MESSAGE);
    const text = 'x{a="b c 1\\n\\"# TYPE"} 5';
    expect(mergeExpositions([`# HELP x X.\n# TYPE x gauge\n${text}\n`])).toBe(`# HELP x X.\n# TYPE x gauge\n${text}\n`);
    const own = await worker.scrape();
    expect(samplesOf(mergeExpositions([own])).filter((line) => line.startsWith('penstock'))).toEqual(samplesOf(own).filter((line) => line.startsWith('penstock')));
    expect(mergeExpositions([])).toBe('\n');
    const odd = '# TYPE x gauge\nx{a="1"} +Inf\nx{a="2"} -Inf\nx{a="3"} NaN\nx{a="4"} 1e-7\n';
    expect(mergeExpositions([odd])).toBe(odd);
  });

  it.skipIf(spawnSync('promtool', ['--version']).status !== 0)('passes promtool check metrics (skipped where promtool is not installed)', async () => {
    const all = createWorkerMetrics();
    for (const id of [1, 2]) all.add(workerOf(id));
    const { text } = await all.scrape();
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect({ status: checked.status, output: checked.stdout + checked.stderr }).toEqual({ status: 0, output: '' });
  });
});
