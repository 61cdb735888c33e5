import { fork } from 'node:child_process';
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pino } from 'pino';
import { startSimulator } from '@penstock/anthropic-simulator';
import { freePort, scrubbedEnvironment } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { gatewayConfigSchema, type GatewayConfig } from '../../src/config/gateway-config.ts';
import { createWorkerMetrics, type WorkerMetrics } from '../../src/observe/metrics/create-worker-metrics.ts';
import { createWorkerFleet, type WorkerFleet } from '../../src/process/workers/worker-fleet.ts';
import { createWorkerHandle } from '../../src/process/workers/worker-handle.ts';
import type { WorkerMessage } from '../../src/process/workers/worker-messages.ts';
import { openStream, startHeldUpstream } from './open-streams.ts';

const PROGRAM = resolve(import.meta.dirname, '../../src/process/workers/worker-main.ts');
const FROM_SOURCE = ['--conditions=@penstock/source'];

const withKey = (origin: string, key: string, port = 0): GatewayConfig => gatewayConfigSchema.parse({
  server: { port }, log: { level: 'silent' }, clients: [{ name: 'alice', key_sha256: hashClientKey(key) }],
  anthropic_native: { base_url: origin, api_key: 'sk-ant-test', pool: { max_connections: 4 } },
});

const statusWith = async (port: number, key: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${port}/anthropic/v1/models`, { headers: { 'x-api-key': key } })).status;

test('a worker that is still being made takes a configuration that comes meanwhile (a key withdrawn then must not stay good)', async () => {
  await using simulator = await startSimulator();
  const child = fork(PROGRAM, { execArgv: FROM_SOURCE, env: scrubbedEnvironment(), serialization: 'advanced' });
  const exited = once(child, 'exit');
  const start = { type: 'start', config: withKey(simulator.origin, 'old'), share: { index: 0, count: 1 }, version: '0', viaPseudonym: 'penstock-test', logStyle: 'json', tracing: undefined };
  child.send(start);
  child.send({ type: 'update', config: withKey(simulator.origin, 'new') });
  const [message] = await once(child, 'message') as [Extract<WorkerMessage, { type: 'ready' }>];
  expect([await statusWith(message.port, 'old'), await statusWith(message.port, 'new')]).toEqual([401, 200]);
  child.send({ type: 'close' });
  await exited;
});

test('a worker takes a 403 for an answer about the request where another worker had a success', async () => {
  const upstream = createHttpServer((_request, response) => { response.writeHead(403, { 'content-type': 'application/json' }).end('{}'); }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const child = fork(PROGRAM, { execArgv: FROM_SOURCE, env: scrubbedEnvironment(), serialization: 'advanced' });
  const exited = once(child, 'exit');
  const next = async <Type extends WorkerMessage['type']>(): Promise<Extract<WorkerMessage, { type: Type }>> => ((await once(child, 'message')) as [Extract<WorkerMessage, { type: Type }>])[0];
  const config = withKey(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, 'key');
  child.send({ type: 'start', config, share: { index: 0, count: 2 }, version: '0', viaPseudonym: 'penstock-test', logStyle: 'json', tracing: undefined });
  const { port } = await next<'ready'>();
  child.send({ type: 'other_health', parts: [], successes: { native: Date.now() } });
  expect(await statusWith(port, 'key')).toBe(403);
  child.send({ type: 'scrape', scrape: 1 });
  expect((await next<'metrics'>()).upstreams.filter(({ name }) => name === 'native')).toMatchObject([{ refusedAt: 0, trouble: undefined }]);
  child.send({ type: 'close' });
  await exited;
  upstream.close();
});

test('a connection that was on its way to a worker when that was killed is closed (its client would wait for ever)', async () => {
  await using simulator = await startSimulator();
  const fleet = createFleet(simulator.origin);
  const port = await fleet.start();
  const [victim] = liveWorkers();
  victim?.process.kill('SIGSTOP');
  const connection = connect(port, '127.0.0.1');
  connection.on('error', () => undefined);
  const closed = once(connection, 'close');
  await once(connection, 'connect');
  // The primary hands a connection over as soon as it has accepted it.
  await expect.poll(() => connectionsOf(port)).toBe(1);
  victim?.process.kill('SIGKILL');
  await closed;
  await fleet.close();
});

/** Connections to a port of this machine that a process has accepted. */
function connectionsOf(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  // From the 1,000th line on the number of a line has no blank before it.
  const rows = readFileSync('/proc/net/tcp', 'latin1').split('\n').map((line) => line.trim().split(/\s+/));
  return rows.filter((row) => row[1] === local && row[3] === '01' && row[9] !== '0').length;
}

interface FleetParts {
  readonly exec?: string;
  readonly metrics?: WorkerMetrics;
  /** A port of its own stays the same when the only worker is gone for a moment. */
  readonly port?: number;
}

function createFleet(origin: string, { exec = PROGRAM, metrics = createWorkerMetrics(), port = 0 }: FleetParts = {}): WorkerFleet {
  cluster.setupPrimary({ exec, args: [], execArgv: FROM_SOURCE, serialization: 'advanced' });
  return createWorkerFleet({
    count: 1, config: withKey(origin, 'old', port), logger: pino({ level: 'silent' }), version: '0', viaPseudonym: 'penstock-test', logStyle: 'json', tracing: undefined,
    metrics,
  });
}

/** The workers that run: `cluster.workers` keeps one that has ended, also of the test before, until its channel is closed as well. */
const liveWorkers = (): Worker[] => Object.values(cluster.workers ?? {}).filter((worker): worker is Worker => worker?.isDead() === false);

const runningWorkers = (): number => liveWorkers().length;

test('a reload during a rolling restart reaches the successor', async () => {
  await using simulator = await startSimulator();
  const fleet = createFleet(simulator.origin);
  const port = await fleet.start();
  const restarted = fleet.restart();
  fleet.update(withKey(simulator.origin, 'new'));
  await restarted;
  // Either worker may take a connection while the old one leaves.
  expect(await Promise.all([1, 2, 3, 4].map(() => statusWith(port, 'old')))).toEqual([401, 401, 401, 401]);
  expect(await statusWith(port, 'new')).toBe(200);
  await fleet.close();
});

test('a connection that is handed to a worker as it leaves is answered (by its successor)', async () => {
  await using simulator = await startSimulator();
  const fleet = createFleet(simulator.origin);
  const port = await fleet.start();
  const over = new AbortController();
  const knock = async (): Promise<number> => {
    let answered = 0;
    for (; !over.signal.aborted; answered += 1) {
      // A connection for each: one that is kept stays with its worker.
      const response = await fetch(`http://127.0.0.1:${port}/anthropic/v1/models`, { headers: { 'x-api-key': 'old', connection: 'close' }, signal: AbortSignal.timeout(30_000) });
      expect(response.status).toBe(200);
      await response.arrayBuffer();
    }
    return answered;
  };
  const knocking = Promise.all(Array.from({ length: 8 }, knock));
  for (let restart = 0; restart < 3; restart += 1) await fleet.restart();
  over.abort();
  for (const answered of await knocking) expect(answered).toBeGreaterThan(0);
  await fleet.close();
});

test('a restart asked for during another leaves as many workers as configured (each further one would hold a share of the pool for ever)', async () => {
  await using simulator = await startSimulator();
  const fleet = createFleet(simulator.origin);
  await fleet.start();
  await Promise.all([fleet.restart(), fleet.restart()]);
  await expect.poll(runningWorkers).toBe(1);
  await fleet.close();
  expect(runningWorkers()).toBe(0);
});

test('a restart that the end overtakes leaves no worker behind', async () => {
  await using simulator = await startSimulator();
  const fleet = createFleet(simulator.origin);
  await fleet.start();
  const restarted = fleet.restart();
  await fleet.drain(30_000);
  // The successor may be asked to end before it was ready.
  await restarted.catch(() => undefined);
  await fleet.close();
  expect(runningWorkers()).toBe(0);
});

test('a worker with a defect is replaced at once, and ends when its last response has (a stream of minutes must not leave its place empty)', async () => {
  await using upstream = await startHeldUpstream();
  const folder = mkdtempSync(join(tmpdir(), 'penstock-defect-'));
  const program = join(folder, 'worker.mjs');
  writeFileSync(program, `import ${JSON.stringify(PROGRAM)};\nprocess.on('SIGWINCH', () => { throw new Error('a defect, made by the test'); });\n`);
  const metrics = createWorkerMetrics();
  const port = await freePort();
  const fleet = createFleet(upstream.origin, { exec: program, metrics, port });
  await fleet.start();
  const [first] = liveWorkers();
  const stream = await openStream(port, 'old');
  process.kill(first?.process.pid as number, 'SIGWINCH');
  // Before that the first one may still take a stream: the signal is on its way.
  await expect.poll(runningWorkers).toBe(2);
  // A connection that came while no worker listened is never accepted: each attempt is given up soon.
  await expect.poll(() => openStream(port, 'old', 1_000).then((second) => second.end(), () => 'refused'), { timeout: 30_000 }).toBe('open');
  expect(stream.end()).toBe('open');
  // Where its successor meets the defect as well, no third one is made before one of the two is gone.
  const successor = liveWorkers().find((worker) => worker !== first);
  const held = await openStream(port, 'old');
  process.kill(successor?.process.pid as number, 'SIGWINCH');
  await expect.poll(() => openStream(port, 'old', 500).then((further) => further.end(), () => 'refused')).toBe('refused');
  await expect(expect.poll(runningWorkers, { timeout: 2_500 }).not.toBe(2)).rejects.toThrow();
  expect(held.end()).toBe('open');
  upstream.finish();
  await expect.poll(async () => (await metrics.scrape()).text).toContain('penstock_worker_crashes_total 2');
  expect((await stream.readMessage({ kind: 'response' })).complete).toBe(true);
  await expect.poll(runningWorkers).toBe(1);
  await expect.poll(async () => (await metrics.scrape()).text).toContain('penstock_worker_crashes_total 2');
  await fleet.close();
  rmSync(folder, { recursive: true });
});

test('a worker whose process cannot be started counts as ended, with the reason (the primary must not end of it)', async () => {
  cluster.setupPrimary({ exec: PROGRAM, args: [], cwd: '/nonexistent' });
  const handle = createWorkerHandle(cluster.fork(), 3, { onText: () => undefined, onNotes: () => undefined, onState: () => Promise.reject(new Error('this fleet has no state')) });
  await expect(handle.ready).rejects.toThrow('worker 3 could not be started (ENOENT)');
  await handle.exited;
});
