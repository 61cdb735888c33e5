import { chmodSync, existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { runKeysCreate, runKeysList, runKeysRevoke } from '../../src/commands/keys/run-keys.ts';
import { changeFile } from '../../src/commands/keys/change-file.ts';
import { editText } from '../../src/commands/keys/edit-text.ts';
import { readConfigFile } from '../../src/config/reading/read-config-file.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const FILE = `{
    // who may call
    "clients": [
        { "name": "alice", "key_sha256": "${A}", "models": ["claude-haiku-*"] }, // since March
    ],
    "server": { "port": 8123 } /* behind nginx */
}
`;

let stdout = '';
let stderr = '';
let folder = '';
const output = { stdout: { write: (text: string) => { stdout += text; } }, stderr: { write: (text: string) => { stderr += text; } } };
const path = (): string => join(folder, 'gateway.json');
const here = (): { config: string; environment: Record<string, string>; workingDirectory: string } => ({ config: 'gateway.json', environment: {}, workingDirectory: folder });
const text = (): string => readFileSync(path(), 'utf8');
const clients = (): { name: string; key_sha256: unknown }[] => (readConfigFile(path()) as { clients: { name: string; key_sha256: unknown }[] }).clients;
const printedKey = (): string => /pen_[\w-]{43}/.exec(stdout)?.[0] ?? '';

beforeEach(() => {
  [stdout, stderr, folder] = ['', '', mkdtempSync(join(tmpdir(), 'penstock-keys-'))];
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('penstock keys create --config', () => {
  it('adds a client and leaves every other byte, the comments, the indentation and the mode as they were', () => {
    writeFileSync(path(), FILE);
    chmodSync(path(), 0o640);
    expect(runKeysCreate({ ...here(), name: 'bob' }, output), stderr).toBe(0);
    expect(clients()[1]).toEqual({ name: 'bob', key_sha256: hashClientKey(printedKey()) });
    expect(stdout.split(printedKey())).toHaveLength(2);
    const lines = text().split('\n');
    expect(FILE.split('\n').filter((line) => !lines.includes(line))).toEqual([]);
    expect(lines[4]).toBe(`        { "name": "bob", "key_sha256": "${hashClientKey(printedKey())}" },`);
    expect(statSync(path()).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder)).toEqual(['gateway.json']);
  });

  it.each([['[]', 'a list'], ['"x"', '"x"'], ['null', 'null']])('refuses a file whose whole text is %s in our own words', (whole, received) => {
    writeFileSync(path(), whole);
    expect(runKeysCreate({ ...here(), name: 'bob' }, output)).toBe(1);
    expect(stderr).toContain(`the configuration must be a JSON object, received ${received}`);
  });

  it('adds a key to a client that is there, so that the old one is taken until it is revoked or ends', () => {
    writeFileSync(path(), FILE);
    expect(runKeysCreate({ ...here(), name: 'alice' }, output)).toBe(0);
    const second = hashClientKey(printedKey());
    expect(clients()[0]).toEqual({ name: 'alice', key_sha256: [A, second], models: ['claude-haiku-*'] });
    stdout = '';
    expect(runKeysCreate({ ...here(), name: 'alice', expiresAt: '2028-01-01', othersExpireAt: '2027-01-31T00:00:00Z' }, output)).toBe(0);
    expect(clients()[0]?.key_sha256).toEqual([
      { sha256: A, expires_at: '2027-01-31T00:00:00Z' }, { sha256: second, expires_at: '2027-01-31T00:00:00Z' }, { sha256: hashClientKey(printedKey()), expires_at: '2028-01-01' },
    ]);
  });

  it('an end that is earlier than the new one stays', () => {
    writeFileSync(path(), JSON.stringify({ clients: [{ name: 'alice', key_sha256: [{ sha256: A, expires_at: '2026-01-01' }, B] }] }));
    expect(runKeysCreate({ ...here(), name: 'alice', othersExpireAt: '2027-01-01' }, output)).toBe(0);
    expect(clients()[0]?.key_sha256).toEqual([{ sha256: A, expires_at: '2026-01-01' }, { sha256: B, expires_at: '2027-01-01' }, hashClientKey(printedKey())]);
  });

  it('makes the file where there is none, readable by its owner alone', () => {
    expect(runKeysCreate({ ...here(), name: 'alice' }, output)).toBe(0);
    expect(clients()).toEqual([{ name: 'alice', key_sha256: hashClientKey(printedKey()) }]);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  it('keeps a byte order mark, line ends and tabs, and a symbolic link', () => {
    writeFileSync(join(folder, 'real.json'), '\ufeff{\r\n\t"server": { "port": 1 }\r\n}\r\n');
    symlinkSync('real.json', path());
    expect(runKeysCreate({ ...here(), name: 'alice' }, output)).toBe(0);
    expect(lstatSync(path()).isSymbolicLink()).toBe(true);
    expect(text().replace(/[0-9a-f]{64}/, 'HASH')).toBe('\ufeff{\r\n\t"server": { "port": 1 },\r\n\t"clients": [{ "name": "alice", "key_sha256": "HASH" }]\r\n}\r\n');
  });

  it('a reference to a file stays one', () => {
    writeFileSync(join(folder, 'hash'), A);
    writeFileSync(path(), '{"clients":[{"name":"alice","key_sha256":"${file:hash}"}]}');
    expect(runKeysCreate({ ...here(), name: 'alice' }, output)).toBe(0);
    expect(clients()[0]?.key_sha256).toEqual(['${file:hash}', hashClientKey(printedKey())]);
  });

  it.each<[string, string, object, RegExp]>([
    ['a malformed file', '{"clients": [}', {}, /malformed JSON at line 1 column 14/],
    ['clients that are no list', '{"clients": {}}', {}, /clients must be a list/],
    ['a list as a whole', '[]', {}, /must be/],
    ['a bad name', '{}', { name: 'a b' }, /NAME must be/],
    ['an end that is no time', '{}', { expiresAt: 'soon' }, /--expires-at must be a date/],
    ['too many keys', JSON.stringify({ clients: [{ name: 'alice', key_sha256: Array.from({ length: 16 }, (_, index) => index.toString(16).padStart(64, '0')) }] }), {}, /16 keys, which is the most/],
  ])('%s is refused, and the file stays', (_what, before, flags, expected) => {
    writeFileSync(path(), before);
    expect(runKeysCreate({ ...here(), name: 'alice', ...flags }, output)).toBe(1);
    expect(stderr).toMatch(expected);
    expect(stdout).toBe('');
    expect(text()).toBe(before);
    expect(readdirSync(folder)).toEqual(['gateway.json']);
  });

  it('a change that runs at the same time is refused (one would undo the other), and the lock of a failed change is gone', () => {
    writeFileSync(path(), '{}');
    changeFile(path(), () => {
      expect(runKeysCreate({ ...here(), name: 'alice' }, output)).toBe(1);
      return '{ }';
    });
    expect(stderr).toContain('is being changed by another command');
    expect(() => { changeFile(path(), () => { throw new Error('broken'); }); }).toThrow('broken');
    expect(runKeysCreate({ ...here(), name: 'alice' }, output)).toBe(0);
    expect(existsSync(join(folder, '.gateway.json.lock'))).toBe(false);
  });
});

describe('penstock keys revoke', () => {
  const two = JSON.stringify({ clients: [{ name: 'alice', key_sha256: [{ sha256: A, expires_at: '2027-01-01' }, B], limits: { requests_per_minute: 5 } }] });

  it('takes one key out by the start of its hash', () => {
    writeFileSync(path(), two);
    expect(runKeysRevoke({ ...here(), name: 'alice', key: 'AAAA' }, output)).toBe(0);
    expect(clients()).toEqual([{ name: 'alice', key_sha256: [B], limits: { requests_per_minute: 5 } }]);
    expect(stdout).toContain('Revoked of alice: aaaaaaaa…');
  });

  it('takes all keys out and keeps the client, so that callers never become anonymous', () => {
    for (const before of [two, FILE]) {
      writeFileSync(path(), before);
      expect(runKeysRevoke({ ...here(), name: 'alice' }, output)).toBe(0);
      expect(clients()[0]).toMatchObject({ name: 'alice', key_sha256: [] });
    }
    expect(text()).toContain('// since March');
  });

  it.each<[object, RegExp]>([[{ name: 'bob' }, /there is no client "bob"/], [{ name: 'alice', key: 'cc' }, /no key whose hash begins so/]])('%j is refused, and the file stays', (flags, expected) => {
    writeFileSync(path(), two);
    expect(runKeysRevoke({ ...here(), name: 'alice', ...flags }, output)).toBe(1);
    expect(stderr).toMatch(expected);
    expect(text()).toBe(two);
  });
});

describe('penstock keys list', () => {
  it('shows each key by the start of its hash and when it ends, from the file that the others use', () => {
    writeFileSync(join(folder, 'config.json'), JSON.stringify({
      anthropic_native: { api_key: '${env:ABSENT}' },
      clients: [
        { name: 'alice', key_sha256: [A, { sha256: B, expires_at: '2999-01-31' }, { sha256: 'c'.repeat(64), expires_at: '2020-01-01' }] },
        { name: 'bob', key_sha256: [] }, { name: 'carol', key_sha256: hashClientKey('test') },
      ],
    }));
    expect(runKeysList({ environment: {}, workingDirectory: folder, json: false }, output), stderr).toBe(0);
    expect(stdout.trimEnd().split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['CLIENT', 'KEY', 'STATE'], ['alice', 'aaaaaaaa…', 'taken'], ['alice', 'bbbbbbbb…', 'expires 2999-01-31T00:00:00.000Z'], ['alice', 'cccccccc…', 'expired 2020-01-01T00:00:00.000Z'],
      ['bob', '-', 'no key'], ['carol', expect.stringMatching(/…$/), 'refused: a well-known word'],
    ]);
    stdout = '';
    expect(runKeysList({ environment: {}, workingDirectory: folder, json: true }, output)).toBe(0);
    expect(JSON.parse(stdout)).toHaveLength(5);
  });

  it('without a file names the flag that gives one', () => {
    expect(runKeysList({ environment: {}, workingDirectory: folder, json: false }, output)).toBe(1);
    expect(stderr).toContain('--config');
  });
});

describe('an edited text', () => {
  it.each<[string, string]>([
    ['{"a": [1, 2]}', '{"a": [1, 2, 3]}'],
    ['{"a": []}', '{"a": [\n  3\n]}'],
    ['{"a": [ /* none */ ]}', '{"a": [3 /* none */ ]}'],
    ['{\n  "a": [\n    1, // one\n    2 // two\n  ]\n}', '{\n  "a": [\n    1, // one\n    2, // two\n    3\n  ]\n}'],
    ['{\n  "a": [\n    1, /* one */\n  ],\n}', '{\n  "a": [\n    1, /* one */\n    3,\n  ],\n}'],
    ['{}', '{\n  "a": [3]\n}'],
    ['', '{\n  "a": [3]\n}\n'],
  ])('%j with one more entry', (before, after) => {
    expect(editText(before, [{ path: ['a', -1], value: 3 }])).toBe(after);
  });

  it('keeps every comment of the list that it shortens', () => {
    const before = '{\n  "a": [\n    1, // one\n    2, // two\n    3 // three\n  ]\n}\n';
    expect(editText(before, [{ path: ['a', 0], value: undefined }])).toContain('3 // three');
  });
});
