import { spawnSync } from 'node:child_process';
import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { freePort } from '@penstock/test-support';
import { hashClientKey } from '../../../src/access/clients/client-key.ts';
import { fillMemory, fillPool, loseUpstream, overloadApi, revokeKey, type Scene, sendVariety, sendWrongKeys, spendQuota, stopReading, truncateStreams } from './cause-incidents.ts';
import { crashWorker, type WorkersTruth } from './crash-worker.ts';
import { createTruth, startLoad, type Truth } from './send-load.ts';
import { CLIENT_KEYS } from './send-trouble.ts';
import { spawnGateway, type SpawnedGateway } from './spawn-gateway.ts';
import { type Prometheus, startPrometheus } from './start-prometheus.ts';
import { startTlsUpstream } from './start-tls-upstream.ts';
import { startTroubledUpstream } from './start-troubled-upstream.ts';
import { MAX_CONNECTIONS, STORED_CLIENT_KEY, troubleProcess } from './trouble-process.ts';

/** What the run left behind: a Prometheus that saw it, gateways that still run, and what is true. */
export interface Incidents {
  readonly prometheus: Prometheus;
  readonly simulator: Simulator;
  /** By job, those that can still be scraped. */
  readonly gateways: Readonly<Record<'penstock-healthy' | 'penstock-troubled' | 'penstock-workers', SpawnedGateway>>;
  /** Of the gateway that was well all the time, and of the one in trouble. */
  readonly truths: Readonly<Record<'penstock-healthy' | 'penstock-troubled', Truth>>;
  readonly workers: WorkersTruth;
  /** Connections to the simulator when all was quiet, as the kernel counts them. */
  readonly socketsAtRest: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Connections between a process and a port, as the kernel counts them. */
function establishedTo(port: string): number {
  const { status, stdout, stderr } = spawnSync('ss', ['-tnH', 'state', 'established', `( dport = :${port} )`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ss ended with ${status}: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '').length;
}

function clientEntry(name: string, key: string, requestsPerMinute?: number): Readonly<Record<string, unknown>> {
  return { name, key_sha256: hashClientKey(key), ...(requestsPerMinute === undefined ? {} : { limits: { requests_per_minute: requestsPerMinute } }) };
}

/** Runs every incident once, beside a gateway that is well and under load all the time. */
export async function runIncidents(): Promise<Incidents> {
  const stack = new AsyncDisposableStack();
  const simulator = stack.use(await startSimulator());
  const other = stack.use(await startSimulator());
  const tls = stack.use(await startTlsUpstream());
  const upstream = await startTroubledUpstream();
  stack.defer(() => upstream.stop());
  const healthy = stack.use(await spawnGateway({ anthropic_native: { base_url: simulator.origin, api_key: 'simulated' } }));
  const troubled = stack.use(await spawnGateway({
    anthropic_native: {
      base_url: upstream.origin, api_key: 'simulated', max_buffered_bytes: 4_194_304,
      pool: { max_connections: 4, max_keepalive_connections: 4, max_waiting: 10 }, timeouts: { slot_wait: 40, client_stall: 1 },
    },
    openai_front_door: { max_buffered_bytes: 4_194_304 },
    clients: Object.entries(CLIENT_KEYS).map(([name, key]) => clientEntry(name, key, name === 'limited' ? 2 : undefined)),
  }));
  const shaken = stack.use(await spawnGateway({
    server: { max_connections: MAX_CONNECTIONS }, anthropic_native: { base_url: other.origin, api_key: 'simulated' }, log: { destination: '/dev/full' },
    clients: [clientEntry('stored', STORED_CLIENT_KEY, 1_000)], limits: { store: `redis://127.0.0.1:${await freePort()}` },
  }));
  const fleet = stack.use(await spawnGateway({ server: { workers: 2 }, anthropic_native: { base_url: tls.origin, ca: tls.ca, api_key: 'simulated' } }));
  const prometheus = stack.use(await startPrometheus([
    { name: 'penstock-healthy', port: healthy.operationsPort, interval: '500ms' },
    { name: 'penstock-troubled', port: troubled.operationsPort, interval: '500ms' },
    { name: 'penstock-workers', port: fleet.operationsPort, interval: '500ms' },
    { name: 'penstock-process', port: shaken.operationsPort, interval: '500ms' },
  ]));
  // What happens before the first scrape is in no rate.
  await prometheus.until('count(up == 1) == 4');
  const scene: Scene = { gateway: troubled, upstream, prometheus, truth: createTruth() };
  const load = startLoad(healthy.anthropic, 4);
  const [workers] = await Promise.all([
    crashWorker(fleet, prometheus),
    troubleProcess(shaken, prometheus),
    sendVariety(scene).then(() => spendQuota(scene)).then(() => truncateStreams(scene)).then(() => loseUpstream(scene))
      .then(() => fillPool(scene)).then(() => fillMemory(scene))
      .then(() => revokeKey(scene)).then(() => overloadApi(scene)).then(() => sendWrongKeys(scene)).then(() => stopReading(scene)),
  ]);
  const truth = await load.stop();
  const endedAt = Date.now() / 1000;
  const idle = 'sum by (job) (penstock_requests_in_flight) == 0 and on (job) timestamp(up)';
  await prometheus.until(`count(${idle} > ${endedAt + 0.5}) == 3`);
  return {
    prometheus, simulator, workers,
    gateways: { 'penstock-healthy': healthy, 'penstock-troubled': troubled, 'penstock-workers': fleet },
    truths: { 'penstock-healthy': truth, 'penstock-troubled': scene.truth },
    socketsAtRest: establishedTo(new URL(simulator.origin).port),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
