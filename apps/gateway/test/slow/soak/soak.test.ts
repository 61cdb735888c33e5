import { createHash } from 'node:crypto';
import { startSimulator } from '@penstock/anthropic-simulator';
import { expect, test } from 'vitest';
import { OUTCOMES } from '../../../src/request-record.ts';
import { sumOf } from '../../metrics/exposition.ts';
import { runPenstock, type PenstockProcess } from '../../run-penstock.ts';
import { QUANTITIES, sampleProcess, trendOf, type ProcessSample, type Quantity } from './process-samples.ts';
import { sendTraffic, SOAK_KEY, type Tally } from './soak-traffic.ts';

const IS_BOUNDED = process.env['PENSTOCK_SLOW_BOUNDED'] !== undefined;
const SECONDS = Number(process.env['PENSTOCK_SOAK_SECONDS'] ?? (IS_BOUNDED ? 120 : 1_800));
const PER_SECOND = 600;
/** What must be reached: 500,000 in half an hour, and a part of it that a busy machine manages in two minutes. */
const LEAST_REQUESTS = Math.floor(SECONDS * (SECONDS >= 1_800 ? 278 : 100));
const RELOAD_EVERY_MS = 5_000;
/** A rise over the second half that is noise: a share of the mean, and an amount. */
const NOISE: Readonly<Record<Quantity, readonly [number, number]>> = {
  // Memory reaches its level after some minutes only. Before that a leak of about a kilobyte a request is what can be told from it.
  rssMb: SECONDS < 600 ? [0.35, 64] : [0.1, 16],
  heapMb: SECONDS < 600 ? [0.3, 24] : [0.1, 8], descriptors: [0.1, 12], sockets: [0.1, 12], series: [0, 6],
};

function documentOf(origin: string, connections: number): Record<string, Record<string, unknown> | readonly unknown[]> {
  return {
    log: { level: connections % 2 === 0 ? 'error' : 'fatal' },
    clients: [{ name: 'soak', key_sha256: createHash('sha256').update(SOAK_KEY).digest('hex'), routes: ['messages', 'models', 'files', 'front_door'] }],
    anthropic_native: { base_url: origin, pool: { max_connections: connections, max_waiting: 500 }, timeouts: { idle: 1 } },
  };
}

/** Where the client's counts and the gateway's differ. Ends that are one for the client and two for the gateway are compared together. */
function differences(tally: Tally, text: string): string[] {
  const counted = (side: string, ...outcomes: string[]): number => outcomes.reduce((sum, outcome) => sum + (sumOf(text, 'penstock_request_outcomes_total', { side, outcome }) ?? 0), 0);
  const seen = (side: string, ...outcomes: string[]): number => outcomes.reduce((sum, outcome) => sum + (tally.get(`${side} ${outcome}`) ?? 0), 0);
  return ['native', 'front_door'].flatMap((side) => {
    // A break may be the upstream's end or a clock of ours.
    const groups: [string[], string[]][] = [
      [['broken', 'upstream_timeout'], ['upstream_truncated', 'upstream_timeout', 'stream_error_event']],
      ...['client_error', 'upstream_error', 'upstream_reset', 'upstream_unreachable', 'overloaded', 'draining', 'internal'].map((outcome): [string[], string[]] => [[outcome], [outcome]]),
    ];
    // A client that left never saw the end: it may have been whole, or have broken in that moment, which few do.
    const unseen = seen(side, 'aborted');
    let left = unseen - (counted(side, 'ok', 'client_gone') - seen(side, 'ok'));
    const wrong: string[] = left < 0 || left > Math.max(2, unseen / 500) ? [`${side}: ${left} of ${unseen} that left are counted under other outcomes`] : [];
    for (const [client, gateway] of groups) {
      const more = counted(side, ...gateway) - seen(side, ...client);
      left -= more;
      if (more < 0 || left < 0) wrong.push(`${side}: the client saw ${client.join('+')} ${seen(side, ...client)} times, the gateway counted ${gateway.join('+')} ${counted(side, ...gateway)} times`);
    }
    const lost = seen(side, 'lost');
    const gone = counted(side, 'client_gone') - seen(side, 'aborted');
    return [...wrong, ...(lost > 0 ? [`${side}: ${lost} requests had no answer`] : []), ...(gone > 0 ? [`${side}: ${gone} clients were taken for gone`] : [])];
  });
}

async function soak(penstock: PenstockProcess, origin: string): Promise<{ readonly tally: Tally; readonly samples: readonly ProcessSample[]; readonly reloads: number }> {
  const samples: ProcessSample[] = [];
  const startedAt = performance.now();
  let reloads = 0;
  let sampling: Promise<void> = Promise.resolve();
  const sampler = setInterval(() => {
    sampling = sampleProcess(penstock, (performance.now() - startedAt) / 1000).then((sample) => { samples.push(sample); return undefined; });
  }, 1_000);
  const reloader = setInterval(() => {
    penstock.configure(documentOf(origin, 40 + reloads % 21));
    penstock.child.kill('SIGHUP');
    reloads += 1;
  }, RELOAD_EVERY_MS);
  try {
    return { tally: await sendTraffic(penstock.origin, { clients: 32, perSecond: PER_SECOND, seconds: SECONDS }), samples, reloads };
  } finally {
    clearInterval(sampler);
    clearInterval(reloader);
    await sampling;
  }
}

test('under mixed traffic, faults and reloads every request is accounted for, and nothing grows', { timeout: SECONDS * 1000 + 240_000 }, async () => {
  await using simulator = await startSimulator({ maxRecordedRequests: 1, maxRecordedBodyBytes: 0, pacing: { firstTokenMs: 0, tokensPerSecond: 100_000, pingIntervalMs: 15_000 } });
  await using penstock = await runPenstock({ document: documentOf(simulator.origin, 40), flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-soak' } });
  const { tally, samples, reloads } = await soak(penstock, simulator.origin);
  const total = [...tally.values()].reduce((sum, count) => sum + count, 0);
  let text = '';
  await expect.poll(async () => {
    text = await (await fetch(`${penstock.operations}/metrics`)).text();
    return OUTCOMES.reduce((sum, outcome) => sum + (sumOf(text, 'penstock_request_outcomes_total', { outcome }) ?? 0), 0);
  }, { timeout: 15_000 }).toBe(total);
  const trends = QUANTITIES.map((quantity) => ({ quantity, ...trendOf(samples, quantity) }));
  console.log(`soak: ${total} requests in ${SECONDS} s (${Math.round(total / SECONDS)} a second), ${reloads} reloads, ${samples.length} samples`);
  console.log(`soak: ${[...tally].toSorted(([one], [other]) => one.localeCompare(other)).map(([name, count]) => `${name} ${count}`).join(', ')}`);
  console.log(`soak, second half: ${trends.map(({ quantity, mean, rise }) => `${quantity} ${mean.toFixed(1)} (${rise >= 0 ? '+' : ''}${rise.toFixed(1)})`).join(', ')}`);
  expect(differences(tally, text)).toEqual([]);
  expect(tally.get('native internal') ?? 0).toBe(0);
  for (const { quantity, mean, rise } of trends) expect(rise, `${quantity} rises`).toBeLessThanOrEqual(Math.max(NOISE[quantity][0] * mean, NOISE[quantity][1]));
  for (const name of ['penstock_requests_in_flight', 'penstock_streams_open', 'penstock_upstream_pool_waiting', 'penstock_buffered_bytes']) expect(sumOf(text, name), name).toBe(0);
  expect(sumOf(text, 'penstock_upstream_pool_connections', { state: 'active' })).toBe(0);
  expect(total).toBeGreaterThanOrEqual(LEAST_REQUESTS);
  expect(penstock.child.exitCode).toBe(null);
  expect(penstock.stdout()).not.toContain('uncaught');
});
