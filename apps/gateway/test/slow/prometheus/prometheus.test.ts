import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { declaredMetrics } from '../../observe/metrics/exposition.ts';
import { drawPictures } from './draw-pictures.ts';
import { choose, DASHBOARDS, panelQueries, readRepositoryFile } from './panel-queries.ts';
import { type Incidents, runIncidents } from './run-incidents.ts';
import { MISSING_TOOLS, type Prometheus, type Series } from './start-prometheus.ts';

const NOTE = MISSING_TOOLS.length === 0 ? '' : ` (skipped: ${MISSING_TOOLS.join(' and ')} not installed)`;

/** One compares with a day before, one is about several upstreams, which no gateway of this run has: their incidents are in deploy/prometheus/tests. */
const OF_OTHER_INCIDENTS: ReadonlySet<string> = new Set(['PenstockCostBurn', 'PenstockFailovers']);
const ALERTS = Array.from(readRepositoryFile('deploy/prometheus/penstock-alerts.rules.yml').matchAll(/- alert: (\w+)/g), ([, name = '']) => name).filter((name) => !OF_OTHER_INCIDENTS.has(name));
const RECORDED = Array.from(readRepositoryFile('deploy/prometheus/penstock-recording.rules.yml').matchAll(/- record: (\S+)/g), ([, name = '']) => name);

/** Whether there is a point that says something: a panel whose every point is 0 was not shown the state it is meant for. */
function saysSomething(series: readonly Series[]): boolean {
  return series.some(({ values }) => values.some(([, value]) => Number.isFinite(value) && value !== 0));
}

function sum(series: readonly Series[]): number {
  return series.reduce((total, { values }) => total + (values.at(-1)?.[1] ?? 0), 0);
}

describe.skipIf(MISSING_TOOLS.length > 0)(`a real Prometheus that scrapes real gateways${NOTE}`, () => {
  let incidents: Incidents;
  let prometheus: Prometheus;

  beforeAll(async () => {
    incidents = await runIncidents();
    ({ prometheus } = incidents);
    // The pictures of the documentation are drawn from this run on request.
    if (process.env['PENSTOCK_DRAW_PICTURES'] === '1') await drawPictures(prometheus, choose);
  }, 600_000);

  afterAll(async () => {
    await incidents[Symbol.asyncDispose]();
  });

  /** The latest value of a query for each value of a label. */
  async function byLabel(label: string, query: string): Promise<Readonly<Record<string, number>>> {
    const series = await prometheus.query(`sum by (${label}) (${query})`);
    return Object.fromEntries(series.map(({ metric, values }) => [metric[label] ?? '', values.at(-1)?.[1] ?? Number.NaN]));
  }

  const scrape = async (job: keyof Incidents['gateways']): Promise<string> => (await fetch(`http://127.0.0.1:${incidents.gateways[job].operationsPort}/metrics`)).text();

  describe('adds up', () => {
    it.each(['penstock-healthy', 'penstock-troubled'] as const)('requests of %s by outcome and by status are those that their clients counted', async (job) => {
      const { outcomes, statuses } = incidents.truths[job];
      expect(await byLabel('outcome', `penstock_request_outcomes_total{job="${job}", side="native"} > 0`)).toEqual(outcomes);
      expect(await byLabel('outcome', `penstock_requests_total{job="${job}", side="native"} > 0`)).toEqual(outcomes);
      expect(await byLabel('status', `penstock_requests_total{job="${job}", side="native"} > 0`)).toEqual(statuses);
      const total = Object.values(outcomes).reduce((all, count) => all + count, 0);
      expect(total).toBeGreaterThan(100);
      expect(sum(await prometheus.query(`sum(penstock_request_seconds_count{job="${job}", side="native"})`))).toBe(total);
    });

    it('the troubles were of every kind (a counter that did not move proves nothing)', () => {
      expect(Object.keys(incidents.truths['penstock-troubled'].outcomes).toSorted()).toEqual([
        'client_error', 'client_gone', 'client_stalled', 'ok', 'overloaded', 'stream_error_event', 'upstream_credential_refused', 'upstream_error', 'upstream_reset', 'upstream_truncated', 'upstream_unreachable']);
    });

    it('bytes are the bytes that the load generator sent and read, tokens those that it read in the responses', async () => {
      const truth = incidents.truths['penstock-healthy'];
      expect(await byLabel('direction', 'penstock_relay_bytes_total{job="penstock-healthy", side="native"}')).toEqual({ request: truth.requestBytes, response: truth.responseBytes });
      for (const [type, count] of Object.entries(truth.tokens)) expect(count, type).toBeGreaterThan(0);
      expect(await byLabel('type', 'penstock_tokens_total{job="penstock-healthy", side="native"}')).toEqual(truth.tokens);
      expect(sum(await prometheus.query('penstock_usage_total{job="penstock-healthy", side="native", source="final"}'))).toBe(truth.outcomes.ok);
    });

    it('so does the front door', async () => {
      const { requests, requestBytes, responseBytes, promptTokens, completionTokens } = incidents.truths['penstock-healthy'].frontDoor;
      expect(requests).toBeGreaterThan(10);
      expect(await byLabel('outcome', 'penstock_request_outcomes_total{job="penstock-healthy", side="front_door"} > 0')).toEqual({ ok: requests });
      expect(await byLabel('direction', 'penstock_relay_bytes_total{job="penstock-healthy", side="front_door"}')).toEqual({ request: requestBytes, response: responseBytes });
      const tokens = await byLabel('type', 'penstock_tokens_total{job="penstock-healthy", side="front_door"}');
      expect({ ...tokens, output: 0 }).toEqual({ input: promptTokens, output: 0, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0 });
      expect(tokens['output']).toBe(completionTokens);
    });

    it('the pool is what the kernel counts, and its acquisitions are the requests that the upstream counts', async () => {
      expect(sum(await prometheus.query('sum(penstock_upstream_pool_connections{job="penstock-healthy"})'))).toBe(incidents.socketsAtRest);
      expect(incidents.simulator.connections).toBe(incidents.socketsAtRest);
      const acquired = await byLabel('upstream', 'penstock_upstream_pool_acquisitions_total{job="penstock-healthy"}');
      const { outcomes, frontDoor } = incidents.truths['penstock-healthy'];
      expect(acquired).toEqual({ native: outcomes.ok, front_door_anthropic: frontDoor.requests });
      expect(incidents.simulator.requestCount).toBe((outcomes.ok ?? 0) + frontDoor.requests);
    });
  });

  describe('with two workers, one of which is killed under load', () => {
    const JOB = 'job="penstock-workers"';

    it('was well until then: no alert fired but that for the crash, and that one not before it', async () => {
      const { wellSince, killedAt } = incidents.workers;
      expect(killedAt - wellSince).toBeGreaterThan(3);
      const fired = await prometheus.queryRange(`ALERTS{alertstate="firing", ${JOB}}`, 0.25);
      expect(fired.map(({ metric }) => metric['alertname'])).toEqual(['PenstockWorkerCrashed']);
      expect(fired.flatMap(({ values }) => values.filter(([at]) => at < killedAt))).toEqual([]);
      const crashes = await prometheus.queryRange(`penstock_worker_crashes_total{${JOB}}`, 0.25);
      const counts = crashes.flatMap(({ values }) => values);
      expect(counts.filter(([at, value]) => at < killedAt && value !== 0)).toEqual([]);
      expect(counts.map(([, value]) => value)).toEqual(counts.map(([, value]) => value).toSorted((one, other) => one - other));
      expect(counts.at(-1)?.[1]).toBe(1);
    });

    it('no counter and no histogram ever fell, when workers were replaced in order or after the kill (rate() would count all of it again)', async () => {
      const counters = await prometheus.query(`count by (__name__) ({${JOB}, __name__=~".+_(total|count|sum|bucket)"})`);
      expect(counters.length).toBeGreaterThan(35);
      for (const { metric: { __name__: name } } of counters) expect(await prometheus.query(`resets(${name}{${JOB}}[10m]) > 0`), name).toEqual([]);
    });

    it('every answer is counted but for what the killed worker had not told yet, and each one since', async () => {
      const { sent, answeredAt, killedAt, sentAfterwards } = incidents.workers;
      const counted = sum(await prometheus.query(`sum(penstock_request_outcomes_total{${JOB}, outcome="ok"})`)) - sentAfterwards;
      const untold = answeredAt.filter((at) => at > killedAt - 1.5 && at < killedAt + 0.5).length;
      expect(answeredAt.length).toBeGreaterThan(200);
      expect(counted).toBeGreaterThanOrEqual(answeredAt.length - untold);
      expect(counted).toBeLessThanOrEqual(sent);
    });

    it('the page is whole: every metric that one process has, and the workers\' own', async () => {
      const page = declaredMetrics(await scrape('penstock-workers'));
      const missing = [...declaredMetrics(await scrape('penstock-healthy'))].filter(([name, type]) => page.get(name) !== type);
      expect(missing).toEqual([]);
      expect([...page.keys()]).toEqual(expect.arrayContaining(['penstock_workers', 'penstock_worker_crashes_total']));
    });
  });

  it.each(ALERTS)('%s fired in its incident', async (name) => {
    expect(await prometheus.queryRange(`ALERTS{alertname="${name}", alertstate="firing", job!="penstock-healthy"}`, 0.25)).not.toEqual([]);
  });

  it('raised no alert for the gateway that was well all the time, under load', async () => {
    expect(await prometheus.queryRange('ALERTS{alertstate="firing", job="penstock-healthy"}', 0.5)).toEqual([]);
  });

  it.each(RECORDED)('the rule %s records numbers', async (name) => {
    expect(saysSomething(await prometheus.queryRange(name))).toBe(true);
  });

  it.each(DASHBOARDS)('every query of the dashboard %s returns data in the state it is meant for', async (name) => {
    const empty: string[] = [];
    for (const { title, expression } of panelQueries(name)) {
      // These gateways have no identity.sign_in, no store (nor the administration, which needs one) and one upstream each, and no series of what these have.
      if (/penstock_(?:sign_in|telemetry|ledger|admin_refusals|failovers|session_moves)/.test(expression)) continue;
      if (!saysSomething(await prometheus.queryRange(choose(expression)))) empty.push(`${title}: ${expression}`);
    }
    expect(empty).toEqual([]);
  });

  it('scrapes without an error: the only ones that failed are those that a busy machine kept waiting, and those of what was stopped', async () => {
    const failed = await prometheus.query('(max_over_time(((up == bool 0) * (scrape_duration_seconds < bool 0.45))[10m:500ms]) and on (job) up{job!="penstock-process"}) > 0');
    expect(failed).toEqual([]);
  });

  it.each(['penstock-healthy', 'penstock-troubled', 'penstock-workers'] as const)('what is scraped of %s passes promtool check metrics', async (job) => {
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: await scrape(job), encoding: 'utf8' });
    expect({ status: checked.status, output: checked.stdout + checked.stderr }).toEqual({ status: 0, output: '' });
  });
});
