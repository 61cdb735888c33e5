import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '@penstock/anthropic-simulator';
import { expect, onTestFinished, test } from 'vitest';
import { OUTCOMES } from '../../../src/request/request-record.ts';
import { sumOf } from '../../observe/metrics/exposition.ts';
import { runPenstock, type PenstockProcess } from '../../run-penstock.ts';
import { accountForRequests, counterDifferences } from './account-for-requests.ts';
import { QUANTITIES, sampleProcess, trendOf, type ProcessSample, type Quantity } from './process-samples.ts';
import { sendTraffic, SOAK_KEY, type SeenTraffic } from './soak-traffic.ts';

const IS_BOUNDED = process.env['PENSTOCK_SLOW_BOUNDED'] !== undefined;
const SECONDS = Number(process.env['PENSTOCK_SOAK_SECONDS'] ?? (IS_BOUNDED ? 120 : 1_800));
const PER_SECOND = 600;
/** What must be reached: 500,000 in half an hour, and a part of it that a busy machine manages in two minutes. */
const LEAST_REQUESTS = Math.floor(SECONDS * (SECONDS >= 1_800 ? 278 : 100));
/** A machine that is too busy for that gets a third more time. */
const MOST_SECONDS = SECONDS * 4 / 3;
const COLLECTOR = new URL('collect-garbage.ts', import.meta.url).href;
const RELOAD_EVERY_MS = 5_000;
/** Twice for each value that the trends look at, which are twenty in all. */
const COLLECT_EVERY_SAMPLES = Math.max(1, Math.floor(SECONDS / 40));
/** A rise over the second half that is noise: a share of the mean, and an amount. */
const NOISE: Readonly<Record<Quantity, readonly [number, number]>> = {
  // In the first minutes memory still rises to its level: a short form finds a leak of about a kilobyte a request.
  rssMb: SECONDS < 600 ? [0.15, 24] : [0.1, 16],
  heapMb: [0.1, 6], resources: [0.2, 20], descriptors: [0.1, 12], sockets: [0.1, 12], series: [0, 6],
};
/** Gauges that must be zero once no request is left. */
const GAUGES = ['penstock_requests_in_flight', 'penstock_streams_open', 'penstock_upstream_pool_waiting', 'penstock_buffered_bytes'];

interface Surroundings {
  readonly upstream: string;
  readonly logFile: string;
}

function documentOf({ upstream, logFile }: Surroundings, connections: number): Record<string, Record<string, unknown> | readonly unknown[]> {
  return {
    log: { level: connections % 2 === 0 ? 'info' : 'debug', destination: logFile },
    clients: [{ name: 'soak', key_sha256: createHash('sha256').update(SOAK_KEY).digest('hex'), routes: ['messages', 'models', 'files', 'front_door'] }],
    anthropic_native: { base_url: upstream, pool: { max_connections: connections, max_waiting: 500 }, timeouts: { idle: 1 } },
  };
}

interface Soaked {
  readonly traffic: SeenTraffic;
  readonly samples: readonly ProcessSample[];
  readonly reloads: number;
  readonly seconds: number;
}

async function soak(penstock: PenstockProcess, surroundings: Surroundings): Promise<Soaked> {
  const samples: ProcessSample[] = [];
  const startedAt = performance.now();
  let reloads = 0;
  let sampling: Promise<void> = Promise.resolve();
  let taken = 0;
  const sampler = setInterval(() => {
    if ((taken += 1) % COLLECT_EVERY_SAMPLES === 0) penstock.child.kill('SIGUSR2');
    sampling = sampleProcess(penstock, (performance.now() - startedAt) / 1000).then((sample) => { samples.push(sample); return undefined; });
  }, 1_000);
  const reloader = setInterval(() => {
    penstock.configure(documentOf(surroundings, 40 + reloads % 21));
    penstock.child.kill('SIGHUP');
    reloads += 1;
  }, RELOAD_EVERY_MS);
  try {
    const traffic = await sendTraffic(penstock.origin, { clients: 32, perSecond: PER_SECOND, seconds: SECONDS, leastRequests: LEAST_REQUESTS, mostSeconds: MOST_SECONDS });
    return { traffic, samples, reloads, seconds: Math.round((performance.now() - startedAt) / 1000) };
  } finally {
    clearInterval(sampler);
    clearInterval(reloader);
    await sampling;
  }
}

/** Waits until the gateway has counted so many requests; resolves to its metrics. */
async function untilCounted({ operations }: PenstockProcess, total: number): Promise<string> {
  let text = '';
  await expect.poll(async () => {
    text = await (await fetch(`${operations}/metrics`)).text();
    return sumOf(text, 'penstock_request_outcomes_total');
  }, { interval: 250 }).toBe(total);
  return text;
}

function describe(tally: ReadonlyMap<string, number>): string {
  return [...tally].toSorted(([one], [other]) => one.localeCompare(other)).map(([name, count]) => `${name} ${count}`).join(', ');
}

function sumOfValues(tally: ReadonlyMap<string, number>): number {
  return [...tally.values()].reduce((sum, count) => sum + count, 0);
}

test('under mixed traffic, faults and reloads every request is accounted for, and nothing grows', { timeout: MOST_SECONDS * 1000 + 240_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-soak-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const logFile = join(folder, 'access.log');
  await using simulator = await startSimulator({ maxRecordedRequests: 1, maxRecordedBodyBytes: 0, pacing: { firstTokenMs: 0, tokensPerSecond: 100_000, pingIntervalMs: 15_000 } });
  const surroundings = { upstream: simulator.origin, logFile };
  await using penstock = await runPenstock({
    document: documentOf(surroundings, 40), flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-soak', NODE_OPTIONS: `--import=${COLLECTOR}` },
  });
  const { traffic, samples, reloads, seconds } = await soak(penstock, surroundings);
  const total = traffic.ends.size + traffic.nameless.length;
  const trends = QUANTITIES.map((quantity) => ({ quantity, ...trendOf(samples, quantity) }));
  console.log(`soak: ${total} requests in ${seconds} s (${Math.round(total / seconds)} a second), ${reloads} reloads, ${samples.length} samples`);
  console.log(`soak, second half: ${trends.map(({ quantity, mean, rise }) => `${quantity} ${mean.toFixed(1)} (${rise >= 0 ? '+' : ''}${rise.toFixed(1)})`).join(', ')}`);
  const text = await untilCounted(penstock, total);
  // It ends as it should after all this, and its log is whole then.
  penstock.child.kill('SIGTERM');
  await expect.poll(() => penstock.child.exitCode).toBe(0);
  const account = await accountForRequests(traffic, logFile);
  console.log(`soak, what clients saw: ${describe(account.seen)}`);
  console.log(`soak, what the gateway recorded: ${describe(account.recorded)}`);
  console.log(`soak: ${sumOfValues(account.wrong)} requests are not accounted for`);
  expect(Object.fromEntries(account.wrong), account.examples.join('\n')).toEqual({});
  expect(counterDifferences(text, account, OUTCOMES)).toEqual([]);
  expect(account.complaints).toEqual([]);
  for (const { quantity, mean, rise } of trends) expect(rise, `${quantity} rises`).toBeLessThanOrEqual(Math.max(NOISE[quantity][0] * mean, NOISE[quantity][1]));
  for (const name of GAUGES) expect(sumOf(text, name), name).toBe(0);
  expect(sumOf(text, 'penstock_upstream_pool_connections', { state: 'active' })).toBe(0);
  expect(total).toBeGreaterThanOrEqual(LEAST_REQUESTS);
  expect(penstock.stderr()).not.toMatch(/Warning|uncaught|unhandled/i);
});
