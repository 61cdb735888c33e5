import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { createBearerCredential, createCommandCredential, type RequestToSign } from '../src/index.ts';

const REQUEST: RequestToSign = { method: 'GET', url: new URL('https://x.example/'), headers: [], body: null };
const folder = mkdtempSync(join(tmpdir(), 'penstock-command-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o700);
  return path;
}

it('a command gives one bearer to all requests, and one and the same list of fields', async () => {
  const count = join(folder, 'count');
  const credential = createCommandCredential({ command: [program('once', `echo x >> ${count}; printf 'the-token'`)] });
  const [first, second] = await Promise.all([credential.fieldsFor(REQUEST), credential.fieldsFor(REQUEST)]);
  expect(first).toEqual(['authorization', 'Bearer the-token']);
  expect([second === first, credential.fieldsFor(REQUEST) === first]).toEqual([true, true]);
  credential.close();
});

it.each([
  ['prints two lines', 'invalid_value', 'echo secret; echo secret'], ['prints a space', 'invalid_value', 'echo "secret secret"'], ['prints nothing', 'invalid_value', 'true'],
  ['prints more than 16 KiB', 'invalid_value', 'head -c 20000 /dev/zero | tr "\\0" s'], ['ends with exit code 3', 'command_failed', 'echo secret; echo secret >&2; exit 3'], ['kills itself', 'command_failed', 'kill -9 $$'],
])('a command that %s is a failure that names the program and not what it printed', async (what, code, script) => {
  const path = program(what.replaceAll(' ', '-'), script);
  const credential = createCommandCredential({ command: [path] });
  await expect(credential.fieldsFor(REQUEST)).rejects.toMatchObject({ code, message: expect.stringContaining(path) as unknown });
  expect(credential.status().error?.message).not.toContain('secret');
  credential.close();
});

it('a command that runs when its credential is closed is ended', async () => {
  const started = join(folder, 'started');
  const credential = createCommandCredential({ command: [program('hangs', `echo $$ > ${started}.part; mv ${started}.part ${started}; exec sleep 600`)] });
  const pending = credential.fieldsFor(REQUEST);
  await vi.waitFor(() => { expect(existsSync(started)).toBe(true); }, { timeout: 30_000 });
  credential.close();
  await expect(pending).rejects.toMatchObject({ code: 'closed' });
  const pid = Number(readFileSync(started, 'utf8'));
  await vi.waitFor(() => { expect(() => process.kill(pid, 0)).toThrow('ESRCH'); }, { timeout: 30_000 });
});

it('a command without an absolute path, and a bearer of two lines, are refused when they are made', () => {
  expect(() => createCommandCredential({ command: ['sh', '-c', 'echo x'] })).toThrow('absolute path');
  expect(() => createCommandCredential({ command: [] })).toThrow('absolute path');
  expect(() => createBearerCredential('secret\nsecret')).toThrow(/^the bearer must give one line/);
  expect(createBearerCredential('token').fieldsFor(REQUEST)).toEqual(['authorization', 'Bearer token']);
});
