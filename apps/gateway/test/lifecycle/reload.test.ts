import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { runPenstock, type PenstockProcess } from '../run-penstock.ts';
import { openStream, startHeldUpstream } from './open-streams.ts';

const KEY = 'pen_a-key-for-the-reload-test-0123456789';
const client = { name: 'alice', key_sha256: createHash('sha256').update(KEY).digest('hex') };

const metric = async (penstock: PenstockProcess, line: string): Promise<number> => {
  const text = await (await fetch(`${penstock.operations}/metrics`)).text();
  return Number(text.split('\n').find((candidate) => candidate.startsWith(`${line} `))?.slice(line.length + 1) ?? 0);
};
const status = async (penstock: PenstockProcess, key?: string): Promise<number> =>
  (await fetch(`${penstock.origin}/anthropic/v1/models`, key === undefined ? {} : { headers: { 'x-api-key': key } })).status;

test.each([1, 2])('with %i worker(s) a changed file takes effect for new requests, and a bad one is refused', async (workers) => {
  await using penstock = await runPenstock({ document: { server: { workers } } });
  expect(await status(penstock)).toBe(200);
  penstock.configure({ server: { workers }, clients: [client], anthropic_native: { pool: { max_connections: 33 } } });
  await expect.poll(() => status(penstock), { timeout: 15_000 }).toBe(401);
  expect(await status(penstock, KEY)).toBe(200);
  await expect.poll(() => metric(penstock, 'penstock_config_reloads_total{result="success"}')).toBe(1);
  const text = await (await fetch(`${penstock.operations}/metrics`)).text();
  expect(text).toMatch(/penstock_upstream_pool_max_connections\{upstream="native",[^}]*\} 33\n/);

  penstock.configure({ server: { workers }, clients: [client], anthropic_native: { pool: { max_conections: 5 } } });
  penstock.child.kill('SIGHUP');
  await expect.poll(() => metric(penstock, 'penstock_config_reloads_total{result="failure"}')).toBeGreaterThan(0);
  await expect.poll(() => penstock.stdout()).toContain('max_connections');
  expect(await status(penstock, KEY)).toBe(200);
});

test('a reload touches no open stream', async () => {
  await using upstream = await startHeldUpstream();
  const document = { anthropic_native: { base_url: upstream.origin, pool: { max_connections: 60 } } };
  await using penstock = await runPenstock({ document, flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' } });
  const streams = await Promise.all(Array.from({ length: 50 }, () => openStream(penstock.port)));
  penstock.configure({ ...document, anthropic_native: { ...document.anthropic_native, pool: { max_connections: 5 } }, clients: [client] });
  penstock.child.kill('SIGHUP');
  await expect.poll(() => metric(penstock, 'penstock_config_reloads_total{result="success"}')).toBeGreaterThan(0);
  expect(await status(penstock)).toBe(401);
  upstream.finish();
  const responses = await Promise.all(streams.map((stream) => stream.readMessage({ kind: 'response' }, 30_000)));
  expect(responses.filter(({ complete, body }) => complete && body.includes('message_stop')).length).toBe(50);
});
