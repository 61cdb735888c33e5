import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openRawConnection } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { runPenstock, type PenstockProcess } from '../run-penstock.ts';
import { openStream, startHeldUpstream } from './open-streams.ts';

/** The processes whose parent is the primary. */
function workersOf({ child }: PenstockProcess): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]) === child.pid;
    } catch {
      return false;
    }
  });
}

const metrics = async (penstock: PenstockProcess): Promise<string> => (await fetch(`${penstock.operations}/metrics`)).text();
const valueOf = (text: string, line: string): number => Number(text.split('\n').find((candidate) => candidate.startsWith(`${line} `))?.slice(line.length + 1) ?? 0);
const REQUESTS = 'penstock_requests_total{side="native",route="/anthropic/v1/models",method="GET",status="200",outcome="ok",fault="none",client="anonymous"}';

test('a worker that is killed breaks only its own streams, is replaced, and what it counted stays counted', async () => {
  await using upstream = await startHeldUpstream();
  await using penstock = await runPenstock({
    document: { server: { workers: 2 }, anthropic_native: { base_url: upstream.origin, pool: { max_connections: 20 } } }, flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  const streams = await Promise.all(Array.from({ length: 8 }, () => openStream(penstock.port)));
  const [victim] = workersOf(penstock);
  process.kill(victim as number, 'SIGKILL');
  // Connections are handed out in turn, but not exactly: what counts is that some break and the others do not.
  const broken = (): number => streams.filter((stream) => stream.end() !== 'open').length;
  await expect.poll(broken).toBeGreaterThan(0);
  await expect.poll(async () => valueOf(await metrics(penstock), 'penstock_worker_crashes_total')).toBe(1);
  await expect.poll(() => workersOf(penstock).length).toBe(2);
  // What the runbook sends people to look for.
  await expect.poll(() => penstock.stdout()).toMatch(/"ended_by":"SIGKILL".*"a worker died"/);
  const survivors = streams.filter((stream) => stream.end() === 'open');
  expect(survivors.length).toBeGreaterThan(0);
  upstream.finish();
  const responses = await Promise.all(survivors.map((stream) => stream.readMessage({ kind: 'response' })));
  expect(responses.every(({ complete }) => complete)).toBe(true);
  // Capacity is back: as many new streams as before.
  await Promise.all(Array.from({ length: 8 }, () => openStream(penstock.port)));
});

test('a rolling restart refuses no request, keeps counters growing, and replaces every worker', async () => {
  await using penstock = await runPenstock({ document: { server: { workers: 2 } } });
  const before = workersOf(penstock);
  let failures = 0;
  let sent = 0;
  const stop = new AbortController();
  const load = (async () => {
    while (!stop.signal.aborted) {
      const response = await fetch(`${penstock.origin}/anthropic/v1/models`).catch(() => undefined);
      if (response?.status !== 200) failures += 1;
      await response?.arrayBuffer();
      sent += 1;
    }
  })();
  await expect.poll(() => sent).toBeGreaterThan(10);
  const counted = valueOf(await metrics(penstock), REQUESTS);
  penstock.child.kill('SIGUSR2');
  await expect.poll(() => workersOf(penstock).filter((pid) => before.includes(pid)).length).toBe(0);
  stop.abort();
  await load;
  expect(failures).toBe(0);
  await expect.poll(async () => valueOf(await metrics(penstock), REQUESTS)).toBe(sent);
  expect(sent).toBeGreaterThan(counted);
  expect(workersOf(penstock).length).toBe(2);
});

test('the configured pool is the whole gateway\'s, whatever the number of workers', async () => {
  await using penstock = await runPenstock({ document: { server: { workers: 3 }, anthropic_native: { pool: { max_connections: 20, max_waiting: 7 } } } });
  const text = await metrics(penstock);
  expect(text).toMatch(/penstock_upstream_pool_max_connections\{upstream="native",[^}]*\} 20\n/);
  expect(text).toMatch(/penstock_build_info\{[^}]*\} 1\n/);
});

test('each worker has server.max_connections open and no more (workers would hand the rest round for ever, at full speed)', async () => {
  await using penstock = await runPenstock({ document: { server: { workers: 2, max_connections: 3 } } });
  const connections = await Promise.all(Array.from({ length: 20 }, () => openRawConnection(penstock.port)));
  const open = (): number => connections.filter((connection) => connection.end() === 'open').length;
  await expect.poll(open).toBeLessThanOrEqual(6);
  for (const connection of connections) connection.close();
});

test('workers start from a folder with a space and other letters in its name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock for Zoë '));
  const gateway = resolve(import.meta.dirname, '../..');
  try {
    for (const name of ['src', 'package.json']) cpSync(join(gateway, name), join(folder, 'gateway', name), { recursive: true });
    symlinkSync(join(gateway, 'node_modules'), join(folder, 'gateway', 'node_modules'));
    await using penstock = await runPenstock({ document: { server: { workers: 2 } }, main: join(folder, 'gateway/src/main.ts') });
    expect((await fetch(`${penstock.origin}/anthropic/v1/models`)).status).toBe(200);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
