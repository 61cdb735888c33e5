import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { runCheck } from '../../src/commands/check.ts';
import { runKeysCreate } from '../../src/commands/keys/run-keys.ts';
import { attemptLoad } from './config-folder.ts';

let stdout = '';
let stderr = '';
const output = { stdout: { write: (text: string) => { stdout += text; } }, stderr: { write: (text: string) => { stderr += text; } } };
let folder = '';

beforeEach(() => {
  [stdout, stderr, folder] = ['', '', mkdtempSync(join(tmpdir(), 'penstock-check-'))];
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('penstock check', () => {
  it('prints the effective configuration as JSON and returns 0', () => {
    writeFileSync(join(folder, 'config.json'), '{"server":{"port":8123}}');
    expect(runCheck({ argv: {}, environment: { ANTHROPIC_API_KEY: 'sk-ant-hush', NODE_TLS_REJECT_UNAUTHORIZED: '0' }, workingDirectory: folder }, output)).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ server: { port: 8123, host: '127.0.0.1' }, anthropic_native: { api_key: '********' } });
    expect(stderr).toContain('Warning: NODE_TLS_REJECT_UNAUTHORIZED=0 has no effect');
    expect(stdout + stderr).not.toContain('hush');
  });

  it('prints every problem and returns 1', () => {
    writeFileSync(join(folder, 'config.json'), '{"server":{"port":-1,"prot":2}}');
    expect(runCheck({ argv: {}, environment: {}, workingDirectory: folder }, output)).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(4);
  });
});

const here = { environment: {}, workingDirectory: tmpdir() };

describe('penstock keys create', () => {
  it('prints a new key once, and the entry with its hash, which the configuration takes', () => {
    expect(runKeysCreate({ ...here, name: 'ci' }, output)).toBe(0);
    const [key = ''] = /pen_[\w-]{43}/.exec(stdout) ?? [];
    const [entry = ''] = /\{.*\}/.exec(stdout) ?? [];
    expect(stdout.split(key)).toHaveLength(2);
    expect(JSON.parse(entry)).toEqual({ name: 'ci', key_sha256: hashClientKey(key) });
    expect(attemptLoad({ file: { clients: [JSON.parse(entry)] } }).config.clients).toHaveLength(1);
    const first = key;
    stdout = '';
    runKeysCreate({ ...here, name: 'ci' }, output);
    expect(stdout).not.toContain(first);
  });

  it('refuses a name that the configuration would refuse', () => {
    expect(runKeysCreate({ ...here, name: 'anonymous' }, output)).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('received "anonymous"');
  });
});
