import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerAlways, fieldValues, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { expect, onTestFinished, test } from 'vitest';
import { runPenstock, runToEnd, type PenstockProcess } from '../run-penstock.ts';
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
  await expect.poll(() => status(penstock)).toBe(401);
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

test.each([1, 2])('with %i worker(s) a reload that would take the key away is refused, and requests keep it', async (workers) => {
  await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));
  const native = { base_url: upstream.origin };
  await using penstock = await runPenstock({ document: { server: { workers }, anthropic_native: { ...native, api_key: 'sk-ant-test' } }, flags: [] });
  penstock.configure({ server: { workers }, anthropic_native: { ...native, credentials: 'forward' } });
  penstock.child.kill('SIGHUP');
  await expect.poll(() => metric(penstock, 'penstock_config_reloads_total{result="failure"}')).toBeGreaterThan(0);
  expect(await metric(penstock, 'penstock_config_reloads_total{result="success"}')).toBe(0);
  expect(await status(penstock)).toBe(200);
  expect(fieldValues(upstream.requests[0]?.rawHeaders ?? [], 'x-api-key')).toEqual(['sk-ant-test']);
});

test('a key that the keys commands write or revoke is taken or refused by the running gateway, on a connection that is open as well', async () => {
  await using penstock = await runPenstock({ document: { clients: [client] } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => { agent.destroy(); });
  const file = (penstock.child.spawnargs.at(penstock.child.spawnargs.indexOf('--config') + 1)) ?? '';
  const asked = async (key: string): Promise<number | undefined> => {
    const request = get(`${penstock.origin}/anthropic/v1/models`, { agent, headers: { 'x-api-key': key } });
    const [response] = await once(request, 'response') as [IncomingMessage];
    await once(response.resume(), 'end');
    return response.statusCode;
  };
  const created = await runToEnd(['keys', 'create', 'alice', '--config', file]);
  const key = /pen_[\w-]{43}/.exec(created.stdout)?.[0] ?? '';
  await expect.poll(() => asked(key), { timeout: 30_000 }).toBe(200);
  expect(await asked(KEY)).toBe(200);
  expect((await runToEnd(['keys', 'revoke', 'alice', '--config', file, '--key', client.key_sha256.slice(0, 8)])).code).toBe(0);
  await expect.poll(() => asked(KEY), { timeout: 30_000 }).toBe(401);
  expect(await asked(key)).toBe(200);
  expect((await runToEnd(['keys', 'revoke', 'alice', '--config', file])).code).toBe(0);
  await expect.poll(() => asked(key), { timeout: 30_000 }).toBe(401);
  expect(await status(penstock)).toBe(401);
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

test('a file that only the new configuration names is watched as well, and so is one that was missing when it was read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-secret-'));
  const file = join(folder, 'hash');
  await using penstock = await runPenstock({ document: { clients: [client] } });
  penstock.configure({ clients: [{ name: 'alice', key_sha256: `\${file:${file}}` }] });
  await expect.poll(() => penstock.stdout()).toContain('(ENOENT)');
  for (const key of ['first', 'second']) {
    writeFileSync(`${file}.new`, createHash('sha256').update(key).digest('hex'));
    renameSync(`${file}.new`, file);
    await expect.poll(() => status(penstock, key)).toBe(200);
  }
  expect(await status(penstock, KEY)).toBe(401);
  rmSync(folder, { recursive: true });
});

test('a mounted config map is followed from one version to the next (its files are links into a folder whose link is swapped)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-mounted-'));
  const publish = (version: number, level: string): void => {
    mkdirSync(join(folder, `..v${version}`));
    writeFileSync(join(folder, `..v${version}`, 'level'), level);
    symlinkSync(`..v${version}`, join(folder, '..new'));
    renameSync(join(folder, '..new'), join(folder, '..data'));
    if (version > 1) rmSync(join(folder, `..v${version - 1}`), { recursive: true });
  };
  publish(1, 'info');
  symlinkSync('..data/level', join(folder, 'level'));
  await using penstock = await runPenstock({ document: { log: { level: `\${file:${join(folder, 'level')}}` } } });
  for (const [version, level] of [[2, 'debug'], [3, 'info']] as const) {
    publish(version, level);
    await expect.poll(() => penstock.stdout().split('"applied":["log.level"]').length).toBe(version);
  }
  rmSync(folder, { recursive: true });
});
