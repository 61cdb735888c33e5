import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldValues } from '@penstock/test-support';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { post, REQUEST, startClouds } from './cloud-gateway.ts';

const GENEROUS = { timeout: 30_000 };
const KEY = 'pen_key-of-alice-0123456789';
const INVOKE = '/bedrock/model/anthropic.claude-x-v1:0/invoke';
const folder = mkdtempSync(join(tmpdir(), 'penstock-left-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

/** A program that prints a bearer once `release` was called, and notes each of its runs. */
function heldProgram(): { readonly path: string; readonly runs: () => number; readonly release: () => void } {
  const [path, runs, released] = [join(folder, 'held'), join(folder, 'runs'), join(folder, 'released')];
  writeFileSync(path, `#!/bin/sh\necho run >> ${runs}\nwhile [ ! -e ${released} ]; do sleep 0.05; done\necho printed\n`);
  chmodSync(path, 0o700);
  return { path, runs: () => (existsSync(runs) ? readFileSync(runs, 'utf8').split('\n').length - 1 : 0), release: () => { writeFileSync(released, ''); } };
}

describe('a client that leaves while the credential of the gateway is fetched', () => {
  test('gives back its bytes and its place before the credential is there, and the next client gets that credential', async () => {
    const { path, runs, release } = heldProgram();
    const alice = { name: 'alice', key_sha256: createHash('sha256').update(KEY).digest('hex'), limits: { concurrent_requests: 1 } };
    await using pair = await startClouds(undefined, { clients: [alice], bedrock: { credential: { bearer_command: [path] } } });
    const leaving = new AbortController();
    const left = fetch(pair.gateway.origin + INVOKE, {
      method: 'POST', body: REQUEST.replace('1e2', 'x'.repeat(300_000)), headers: { 'content-type': 'application/json', 'x-api-key': KEY }, signal: leaving.signal,
    });
    const failed = expect(left).rejects.toThrow();
    await vi.waitFor(() => { expect(runs()).toBe(1); }, GENEROUS);
    expect(await pair.gateway.series('penstock_buffered_bytes{side="bedrock"}')).toBeGreaterThan(300_000);

    leaving.abort();
    await failed;
    expect(await pair.gateway.recorded(1)).toMatchObject([{ outcome: 'client_gone' }]);
    expect(await pair.gateway.series('penstock_buffered_bytes{side="bedrock"}')).toBe(0);

    const next = post(pair.gateway, INVOKE, { 'x-api-key': KEY });
    await vi.waitFor(async () => { expect(await pair.gateway.series('penstock_buffered_bytes{side="bedrock"}')).toBeGreaterThan(0); }, GENEROUS);
    release();
    expect((await next).status).toBe(200);
    expect(fieldValues(pair.cloud.requests[0]?.rawHeaders ?? [], 'authorization')).toEqual(['Bearer printed']);
    expect([runs(), pair.cloud.requests.length]).toEqual([1, 1]);
  });
});
