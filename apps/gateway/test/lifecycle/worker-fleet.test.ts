import { fork } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { pino } from 'pino';
import { startSimulator } from '@penstock/anthropic-simulator';
import { scrubbedEnvironment } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { hashClientKey } from '../../src/clients/client-key.ts';
import { gatewayConfigSchema, type GatewayConfig } from '../../src/config/gateway-config.ts';
import { createWorkerMetrics } from '../../src/metrics/create-worker-metrics.ts';
import { createWorkerFleet, type WorkerFleet } from '../../src/workers/worker-fleet.ts';
import { createWorkerHandle } from '../../src/workers/worker-handle.ts';
import type { WorkerMessage } from '../../src/workers/worker-messages.ts';

const PROGRAM = resolve(import.meta.dirname, '../../src/workers/worker-main.ts');
const FROM_SOURCE = ['--conditions=@penstock/source'];

const withKey = (origin: string, key: string): GatewayConfig => gatewayConfigSchema.parse({
  server: { port: 0 }, log: { level: 'silent' }, clients: [{ name: 'alice', key_sha256: hashClientKey(key) }],
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

function createFleet(origin: string): WorkerFleet {
  cluster.setupPrimary({ exec: PROGRAM, args: [], execArgv: FROM_SOURCE, serialization: 'advanced' });
  return createWorkerFleet({
    count: 1, config: withKey(origin, 'old'), logger: pino({ level: 'silent' }), version: '0', viaPseudonym: 'penstock-test', logStyle: 'json', tracing: undefined,
    metrics: createWorkerMetrics(),
  });
}

const runningWorkers = (): number => Object.values(cluster.workers ?? {}).filter((worker) => worker?.isDead() === false).length;

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

test('a restart asked for during another leaves as many workers as configured (each further one would hold a share of the pool for ever)', async () => {
  await using simulator = await startSimulator();
  const fleet = createFleet(simulator.origin);
  await fleet.start();
  await Promise.all([fleet.restart(), fleet.restart()]);
  await expect.poll(runningWorkers, { timeout: 15_000 }).toBe(1);
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

test('a worker whose process cannot be started counts as ended, with the reason (the primary must not end of it)', async () => {
  cluster.setupPrimary({ exec: PROGRAM, args: [], cwd: '/nonexistent' });
  const handle = createWorkerHandle(cluster.fork(), 3, () => undefined);
  await expect(handle.ready).rejects.toThrow('worker 3 could not be started (ENOENT)');
  await handle.exited;
});
