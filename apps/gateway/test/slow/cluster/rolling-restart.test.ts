import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ask, startLoad } from './cluster-load.ts';
import { startCluster, whyNoCluster, type Cluster } from './start-cluster.ts';

const missing = whyNoCluster();
if (missing !== undefined) console.warn(`rolling restart: SKIPPED, a cluster cannot be made here (${missing})`);

const REPLICAS = 3;
const ROUNDS = process.env['PENSTOCK_SLOW_BOUNDED'] === '1' ? 1 : 5;
/** Requests a minute of the clients that are limited by it, and requests at a time of the crowd. */
const [PER_MINUTE, AT_ONCE] = [9, 10];
const WINDOW_MS = 60_000;
const WITHIN_MS = 120_000;
/** The wait before each part of a stream that is to outlast its replica's listener: 24 parts, twice the delay before a stop. */
const HELD_PACE_MS = 300;

const KEYS = { load: 'pen_load-key-of-the-cluster-000000000001', fresh: 'pen_fresh-key-of-the-cluster-000000003', crowd: 'pen_crowd-key-of-the-cluster-000000004' } as const;
/** One for each replica: its minute begins before that replica is stopped and is asked for again when it is back. */
const SCARCE = Array.from({ length: REPLICAS }, (_, index) => ({ name: `scarce${index + 1}`, key: `pen_scarce-key-of-the-cluster-${index}0000002` }));
const CLIENTS = [
  { name: 'load', key: KEYS.load, limits: { concurrent_requests: 40 } },
  ...SCARCE.map((client) => ({ ...client, limits: { requests_per_minute: PER_MINUTE } })),
  { name: 'fresh', key: KEYS.fresh, limits: { requests_per_minute: PER_MINUTE } },
  { name: 'crowd', key: KEYS.crowd, limits: { concurrent_requests: AT_ONCE } },
];
const STREAMS = [150, 150, 150, 150, 150, 20, 20, 20].map((paceMs) => ({ key: KEYS.load, stream: { paceMs } }));
const UNARY = [{ key: KEYS.load }, { key: KEYS.load }];

/** How long the store keeps a place that nothing renews, and how often a wave is begun again because of it. */
const LIFE_OF_A_PLACE_MS = 31_000;
const MOST_VOIDED = 5;

const count = (statuses: readonly number[], status: number): number => statuses.filter((each) => each === status).length;

let cluster: Cluster;

/** The statuses of requests that are sent one after the other, each to the next origin. */
async function inTurn(origins: readonly string[], requests: number, key: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < requests; index += 1) statuses.push((await ask(origins[index % origins.length] ?? '', { key })).status);
  return statuses;
}

describe.skipIf(missing !== undefined)(`${REPLICAS} replicas behind a balancer with a shared Redis, on hosts of their own`, () => {
  beforeAll(async () => {
    cluster = await startCluster(REPLICAS, CLIENTS);
    await vi.waitFor(async () => expect((await fetch(`${cluster.origin}/anthropic/health`)).status).toBe(200), { timeout: WITHIN_MS });
  }, 180_000);
  afterAll(async () => await cluster.close());

  test('a rolling restart under load breaks no stream and refuses no request, and the limits that they share hold through it', async () => {
    const { origin, replicas } = cluster;
    const load = startLoad(origin, [...STREAMS, ...UNARY]);
    const moves = async (): Promise<void> => {
      const before = load.complete.streams;
      await expect.poll(() => load.complete.streams > before + STREAMS.length || load.failures.length > 0, { timeout: WITHIN_MS }).toBe(true);
      expect(load.failures).toEqual([]);
    };
    await moves();
    let outlived = 0;
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (const [index, replica] of replicas.entries()) {
        const spentAt = performance.now();
        const scarce = SCARCE[index]?.key ?? '';
        if (round === ROUNDS) expect(count(await inTurn([origin], PER_MINUTE + REPLICAS, scarce), 200)).toBe(PER_MINUTE);
        const { promise: hasHead, resolve: onHead } = Promise.withResolvers<number>();
        const held = ask(replica.origin, { key: KEYS.load, stream: { paceMs: HELD_PACE_MS }, onHead });
        expect(await hasHead).toBe(200);
        const stopped = replica.stop();
        // Its delay is over when it takes no connections any more; what is open then runs to its own end.
        await expect.poll(() => replica.isListening(), { timeout: WITHIN_MS, interval: 20 }).toBe(false);
        const open = await replica.metric('penstock_streams_open', { side: 'native' });
        expect(open).toBeGreaterThan(0);
        outlived += open;
        expect(await stopped).toBe(0);
        expect(await held).toMatchObject({ status: 200, isWhole: true });
        await replica.start();
        await expect.poll(async () => await replica.metric('penstock_requests_total', { client: 'load' }) > 0 || load.failures.length > 0, { timeout: WITHIN_MS }).toBe(true);
        // A new process, and a minute that began before it.
        if (round === ROUNDS) {
          const statuses = await inTurn([replica.origin], 1, scarce);
          if (performance.now() - spentAt < WINDOW_MS) expect(statuses).toEqual([429]);
          else console.warn('rolling restart: this machine is so busy that the minute was over before it could be asked for again');
        }
        await moves();
      }
    }
    await load.stop();
    console.log(`rolling restart of ${REPLICAS} replicas, ${ROUNDS} time(s): ${load.complete.answers} answers whole, ${load.complete.streams} of them streams, ${load.failures.length} not; ${outlived} streams ended after their replica had stopped listening`);
    expect(load.failures).toEqual([]);
  });

  test('after it a minute is counted once for all replicas', async () => {
    const statuses = await inTurn(cluster.replicas.map(({ origin }) => origin), PER_MINUTE + REPLICAS, KEYS.fresh);
    expect(statuses).toEqual([...Array.from({ length: PER_MINUTE }, () => 200), ...Array.from({ length: REPLICAS }, () => 429)]);
  });

  test('after it no place is lost: as many run at a time as one client may, and the next as many when they have ended', async () => {
    const storeFailures = async (): Promise<number> => (await Promise.all(cluster.replicas.map((replica) => replica.metric('penstock_limit_store_failures_total')))).reduce((sum, one) => sum + one, 0);
    let voided = 0;
    for (let wave = 1; wave <= 2; wave += 1) {
      const before = await storeFailures();
      const exchanges = await Promise.all(Array.from({ length: AT_ONCE + REPLICAS }, async (_, index) =>
        await ask(cluster.replicas[index % REPLICAS]?.origin ?? '', { key: KEYS.crowd, stream: { paceMs: 50 } })));
      const statuses = exchanges.map(({ status }) => status);
      // A store that was late for one of them may have counted it all the same, for the life of a place.
      if (await storeFailures() > before && voided < MOST_VOIDED) {
        voided += 1;
        wave -= 1;
        await pause(LIFE_OF_A_PLACE_MS);
        continue;
      }
      expect({ whole: count(statuses, 200), refused: count(statuses, 429) }).toEqual({ whole: AT_ONCE, refused: REPLICAS });
      expect(exchanges.filter(({ status, isWhole }) => status === 200 && !isWhole)).toEqual([]);
      expect(await storeFailures()).toBe(before);
    }
  });
});
