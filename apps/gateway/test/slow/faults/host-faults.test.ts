import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRawConnection } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { ask, askAndRead, BOB, pause, readResult, requestBytes } from '../../faults/fault-requests.ts';
import { startFaultUpstream, type FaultUpstream } from '../../faults/fault-upstream.ts';
import { CLIENTS } from '../../faults/fault-world.ts';
import { runPenstock, type PenstockProcess } from '../../run-penstock.ts';
import { askNext, metricOf, waitUntil } from './held-requests.ts';

const HAS_PRLIMIT = spawnSync('prlimit', ['--version']).status === 0;
if (!HAS_PRLIMIT) console.warn('host faults: SKIPPED the lack of descriptors, there is no prlimit on this machine');

function run(upstream: FaultUpstream, rest: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}, environment: Readonly<Record<string, string>> = {}): Promise<PenstockProcess> {
  const document = { clients: CLIENTS, openai_front_door: { enabled: false }, anthropic_native: { base_url: upstream.origin }, ...rest };
  return runPenstock({ document, flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test', ...environment } });
}

const outcome = (penstock: PenstockProcess, name: string): Promise<number> => metricOf(penstock, `penstock_request_outcomes_total{side="native",outcome="${name}"}`);

test('host/authenticate/enospc and host/settle/enospc: a full disk under the log loses lines, which is counted, and no request', async () => {
  await using upstream = await startFaultUpstream();
  await using penstock = await run(upstream, { log: { destination: '/dev/full' } });
  for (let index = 0; index < 50; index += 1) {
    expect(await askNext(penstock.port)).toBe('200 whole');
    expect(await askAndRead(penstock.port, { key: 'wrong' })).toBe('401 unauthenticated');
  }
  await waitUntil(async () => await metricOf(penstock, 'penstock_observer_errors_total') > 0, 'the lost lines to be counted');
  await expect.poll(async () => [await outcome(penstock, 'ok'), await outcome(penstock, 'client_error')]).toEqual([50, 50]);
  expect(await askNext(penstock.port)).toBe('200 whole');
});

const socketsOf = ({ child }: PenstockProcess): number => readdirSync(`/proc/${child.pid}/fd`).filter((descriptor) => isSocket(`/proc/${child.pid}/fd/${descriptor}`)).length;

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:');
  } catch {
    // It was closed meanwhile.
    return false;
  }
}

/** Leaves a process no descriptor beside those it has: the limit is a number that none may reach, so it goes to the first free one. */
function takeDescriptors({ child }: PenstockProcess): void {
  const used = new Set(readdirSync(`/proc/${child.pid}/fd`).map(Number));
  let firstFree = 0;
  while (used.has(firstFree)) firstFree += 1;
  spawnSync('prlimit', [`--pid=${child.pid}`, `--nofile=${firstFree}:`]);
}
const giveDescriptors = ({ child }: PenstockProcess): void => { spawnSync('prlimit', [`--pid=${child.pid}`, '--nofile=4096:']); };

test.skipIf(!HAS_PRLIMIT)('host/admit/emfile: without a descriptor to accept with, open streams go on, and later connections are served', async () => {
  await using upstream = await startFaultUpstream();
  await using penstock = await run(upstream);
  const stream = await ask(penstock.port, { key: BOB, fault: 'held' });
  await stream.waitFor((bytes) => bytes.includes('message_start'));
  takeDescriptors(penstock);
  const turnedAway = await Promise.all(Array.from({ length: 10 }, async () => {
    const connection = await openRawConnection(penstock.port);
    connection.send(requestBytes({ key: BOB, method: 'GET', path: '/anthropic/v1/models' }));
    const result = await readResult(connection, 2_000).catch(() => 'waits');
    connection.close();
    return result;
  }));
  expect(turnedAway.filter((result) => !['closed', 'waits', '200 whole', '502 upstream_unreachable'].includes(result))).toEqual([]);
  upstream.release();
  expect(await readResult(stream)).toBe('200 whole');
  stream.close();
  giveDescriptors(penstock);
  await waitUntil(async () => await askNext(penstock.port) === '200 whole', 'the next request to be served');
  expect(penstock.child.exitCode).toBe(null);
});

test.skipIf(!HAS_PRLIMIT)('host/acquire/emfile: without a descriptor to connect with, the client is told so, and the slot comes back', async () => {
  await using upstream = await startFaultUpstream();
  await using penstock = await run(upstream, { anthropic_native: { base_url: upstream.origin, pool: { max_connections: 2 } } });
  const before = socketsOf(penstock);
  const client = await openRawConnection(penstock.port);
  // No probe in between: a name lookup or a metrics connection would take a descriptor of its own.
  await waitUntil(() => Promise.resolve(socketsOf(penstock) === before + 1), 'the connection to be accepted');
  await pause(200);
  takeDescriptors(penstock);
  for (let round = 0; round < 5; round += 1) {
    client.send(requestBytes({ key: BOB, method: 'GET', path: '/anthropic/v1/models' }));
    expect(await readResult(client)).toBe('502 upstream_unreachable');
  }
  giveDescriptors(penstock);
  client.send(requestBytes({ key: BOB, method: 'GET', path: '/anthropic/v1/models' }));
  expect(await readResult(client)).toBe('200 whole');
  client.close();
  expect(await outcome(penstock, 'upstream_unreachable')).toBe(5);
});

test('a process whose wall clock jumps by an hour all the time serves every request, and none times out', async () => {
  await using upstream = await startFaultUpstream();
  const preload = join(tmpdir(), `penstock-jumping-clock-${process.pid}.mjs`);
  writeFileSync(preload, 'const now = Date.now; let jump = 3_600_000; Date.now = () => now() + jump; setInterval(() => { jump = -jump; }, 20).unref();\n');
  await using penstock = await run(upstream, {}, { NODE_OPTIONS: `--import=${preload}` });
  for (let round = 0; round < 8; round += 1) {
    expect(await askNext(penstock.port)).toBe('200 whole');
    expect(await askAndRead(penstock.port, { key: BOB, fault: 'body-drip' })).toBe('200 whole');
  }
  expect(await outcome(penstock, 'ok')).toBe(16);
});
