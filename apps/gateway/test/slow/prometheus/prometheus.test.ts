import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashClientKey } from '../../../src/clients/client-key.ts';
import { CLIENT_KEYS, fillMemory, fillPool, loseUpstream, type Scene, sendVariety, spendQuota, troubleProcess, truncateStreams } from './cause-incidents.ts';
import { drawPictures } from './draw-pictures.ts';
import { startLoad, type Truth } from './send-load.ts';
import { spawnGateway, type SpawnedGateway } from './spawn-gateway.ts';
import { HAS_PROMETHEUS, type Prometheus, type Series, startPrometheus } from './start-prometheus.ts';
import { startTroubledUpstream } from './start-troubled-upstream.ts';

const NOTE = HAS_PROMETHEUS ? '' : ' (skipped: prometheus is not installed)';

function readRepositoryFile(path: string): string {
  return readFileSync(new URL(`../../../../../${path}`, import.meta.url), 'utf8');
}

const ALERTS = Array.from(readRepositoryFile('deploy/prometheus/penstock-alerts.rules.yml').matchAll(/- alert: (\w+)/g), ([, name = '']) => name);
const RECORDED = Array.from(readRepositoryFile('deploy/prometheus/penstock-recording.rules.yml').matchAll(/- record: (\S+)/g), ([, name = '']) => name);

/** Alerts whose incident needs several workers; their rule is shown firing by promtool. */
const NEED_WORKERS = ['PenstockWorkerCrashed'];

/** The queries of all panels of a dashboard file, by panel. */
function panelQueries(name: string): { readonly title: string; readonly expression: string }[] {
  const { panels }: { readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[] } =
    JSON.parse(readRepositoryFile(`deploy/grafana/dashboards/${name}.json`));
  return panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expression: expr })));
}

/** What Grafana does to a query when everything is chosen. */
function choose(expression: string, job = '.*'): string {
  return expression.replaceAll('$__rate_interval', '4s').replaceAll('$__range', '60s').replaceAll('$job', job).replaceAll(/\$(instance|side|upstream|client)\b/g, '.*');
}

function hasNumber(series: readonly Series[]): boolean {
  return series.some(({ values }) => values.some(([, value]) => Number.isFinite(value)));
}

function sum(series: readonly Series[]): number {
  return series.reduce((total, { values }) => total + (values.at(-1)?.[1] ?? 0), 0);
}

/** Connections between a process and a port, as the kernel counts them. */
function establishedTo(port: string): number | undefined {
  const listed = spawnSync('ss', ['-tnH', 'state', 'established', `( dport = :${port} )`], { encoding: 'utf8' });
  return listed.status === 0 ? listed.stdout.split('\n').filter((line) => line !== '').length : undefined;
}

describe.skipIf(!HAS_PROMETHEUS)(`a real Prometheus that scrapes real gateways${NOTE}`, () => {
  const started: { [Symbol.asyncDispose](): Promise<void> }[] = [];
  let prometheus: Prometheus;
  let simulator: Simulator;
  let healthy: SpawnedGateway;
  let truth: Truth;
  let socketsAtRest: number | undefined;

  beforeAll(async () => {
    simulator = await startSimulator();
    const upstream = await startTroubledUpstream();
    const native = { base_url: simulator.origin, api_key: 'simulated' };
    healthy = await spawnGateway({ anthropic_native: native });
    const troubled = await spawnGateway({
      anthropic_native: {
        base_url: upstream.origin, api_key: 'simulated', max_buffered_bytes: 4_194_304,
        pool: { max_connections: 4, max_keepalive_connections: 4, max_waiting: 10 }, timeouts: { slot_wait: 40 },
      },
      clients: Object.entries(CLIENT_KEYS).map(([name, key]) => ({
        name, key_sha256: hashClientKey(key), ...(name === 'limited' ? { limits: { requests_per_minute: 2 } } : {}),
      })),
    });
    const shaken = await spawnGateway({ anthropic_native: native, log: { destination: '/dev/full' } });
    prometheus = await startPrometheus([
      { name: 'penstock-healthy', port: healthy.operationsPort, interval: '250ms' },
      { name: 'penstock-troubled', port: troubled.operationsPort, interval: '250ms' },
      { name: 'penstock-process', port: shaken.operationsPort, interval: '1s' },
    ]);
    started.push(simulator, healthy, troubled, shaken, prometheus, { [Symbol.asyncDispose]: () => upstream.stop() });
    // What happens before the first scrape is in no rate.
    await prometheus.until('count(up == 1) == 3');
    const scene: Scene = { gateway: troubled, upstream, prometheus };
    const load = startLoad(healthy.anthropic, 4);
    await Promise.all([
      troubleProcess(shaken, prometheus),
      sendVariety(scene).then(() => spendQuota(scene)).then(() => truncateStreams(scene)).then(() => loseUpstream(scene))
        .then(() => fillPool(scene)).then(() => fillMemory(scene)),
    ]);
    truth = await load.stop();
    const scrapedAt = Date.now() / 1000;
    await prometheus.until(`sum(penstock_requests_in_flight{job="penstock-healthy"}) == 0 and on () timestamp(up{job="penstock-healthy"}) > ${scrapedAt + 0.5}`);
    socketsAtRest = establishedTo(new URL(simulator.origin).port);
    // The pictures of the documentation are drawn from this run when somebody asks for them.
    if (process.env['PENSTOCK_DRAW_PICTURES'] === '1') await drawPictures(prometheus, choose);
  }, 400_000);

  afterAll(async () => {
    for (const part of started.toReversed()) await part[Symbol.asyncDispose]();
  });

  it('adds up: requests by outcome are those that the load generator counted', async () => {
    const outcomes = await prometheus.query('sum by (outcome) (penstock_request_outcomes_total{job="penstock-healthy", side="native"}) > 0');
    expect(Object.fromEntries(outcomes.map(({ metric, values }) => [metric['outcome'], values.at(-1)?.[1]]))).toEqual(truth.outcomes);
    expect(truth.outcomes.ok).toBeGreaterThan(100);
    const byStatus = await prometheus.query('sum by (outcome) (penstock_requests_total{job="penstock-healthy", side="native"}) > 0');
    expect(Object.fromEntries(byStatus.map(({ metric, values }) => [metric['outcome'], values.at(-1)?.[1]]))).toEqual(truth.outcomes);
    expect(sum(await prometheus.query('sum(penstock_request_seconds_count{job="penstock-healthy", side="native"})'))).toBe(sum(outcomes));
  });

  it('adds up: bytes are the bytes that the load generator sent and read, tokens those that it read in the responses', async () => {
    const bytes = await prometheus.query('sum by (direction) (penstock_relay_bytes_total{job="penstock-healthy", side="native"})');
    expect(Object.fromEntries(bytes.map(({ metric, values }) => [metric['direction'], values.at(-1)?.[1]]))).toEqual(
      { request: truth.requestBytes, response: truth.responseBytes });
    const tokens = await prometheus.query('sum by (type) (penstock_tokens_total{job="penstock-healthy", side="native"})');
    expect(Object.fromEntries(tokens.map(({ metric, values }) => [metric['type'], values.at(-1)?.[1]]))).toEqual(truth.tokens);
    expect(sum(await prometheus.query('penstock_usage_total{job="penstock-healthy", side="native", source="final"}'))).toBe(truth.outcomes.ok);
  });

  it('adds up: so does the front door', async () => {
    const { requests, promptTokens, completionTokens } = truth.frontDoor;
    expect(requests).toBeGreaterThan(10);
    expect(sum(await prometheus.query('penstock_request_outcomes_total{job="penstock-healthy", side="front_door", outcome="ok"}'))).toBe(requests);
    expect(sum(await prometheus.query('sum(penstock_request_outcomes_total{job="penstock-healthy", side="front_door"})'))).toBe(requests);
    expect(sum(await prometheus.query('sum(penstock_tokens_total{job="penstock-healthy", side="front_door", type!="output"})'))).toBe(promptTokens);
    expect(sum(await prometheus.query('sum(penstock_tokens_total{job="penstock-healthy", side="front_door", type="output"})'))).toBe(completionTokens);
    expect(sum(await prometheus.query('sum(penstock_upstream_pool_acquisitions_total{job="penstock-healthy", upstream!="native"})'))).toBe(requests);
  });

  it('adds up: the pool is what the kernel counts, and every acquisition is a request', async () => {
    const open = sum(await prometheus.query('sum(penstock_upstream_pool_connections{job="penstock-healthy"})'));
    // The process that is in trouble is gone by now, so every socket to the simulator is one of this pool.
    if (socketsAtRest !== undefined) expect(open).toBe(socketsAtRest);
    expect(sum(await prometheus.query('sum(penstock_upstream_pool_acquisitions_total{job="penstock-healthy", upstream="native"})'))).toBe(truth.outcomes.ok);
  });

  it.each(ALERTS.filter((name) => !NEED_WORKERS.includes(name)))('%s fired in its incident', async (name) => {
    expect(await prometheus.queryRange(`ALERTS{alertname="${name}", alertstate="firing", job!="penstock-healthy"}`, 0.25)).not.toEqual([]);
  });

  it('raised no alert for the gateway that was well all the time, under load', async () => {
    expect(await prometheus.queryRange('ALERTS{alertstate="firing", job="penstock-healthy"}', 0.5)).toEqual([]);
  });

  it.each(RECORDED)('the rule %s records numbers', async (name) => {
    expect(hasNumber(await prometheus.queryRange(name))).toBe(true);
  });

  it.each(['overview', 'upstream-pool', 'clients-and-cost', 'process'])('every query of the dashboard %s returns data', async (name) => {
    const empty: string[] = [];
    for (const { title, expression } of panelQueries(name)) {
      if (!hasNumber(await prometheus.queryRange(choose(expression)))) empty.push(`${title}: ${expression}`);
    }
    // Worker processes are counted only where there are several.
    expect(empty.filter((query) => !query.startsWith('Workers: '))).toEqual([]);
  });

  it('scrapes without an error, and what is scraped passes promtool check metrics', async () => {
    expect(sum(await prometheus.query('min_over_time(up{job="penstock-healthy"}[1m])'))).toBe(1);
    const text = await (await fetch(`http://127.0.0.1:${healthy.operationsPort}/metrics`)).text();
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect({ status: checked.status, output: checked.stdout + checked.stderr }).toEqual({ status: 0, output: '' });
  });
});
