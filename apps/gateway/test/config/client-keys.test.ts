import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { isExampleHash, isKnownKey } from '../../src/config/problems/known-keys.ts';
import { findKeyWarnings } from '../../src/config/problems/key-warnings.ts';
import { describeConfig } from '../../src/config/describe-config.ts';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { isMoment } from '../../src/config/sections/client-keys.ts';
import { attemptLoad, problemsOf } from './config-folder.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const clients = (...keys: unknown[]): { file: object } => ({ file: { clients: keys.map((key, index) => ({ name: `c${index}`, key_sha256: key })) } });
const HASH_PROBLEM = /must be the SHA-256 of a client key in 64 hexadecimal digits/;

describe('clients[].key_sha256', () => {
  it('is a hash, or a list of hashes and of hashes with an end', () => {
    const given = [A, { sha256: B, expires_at: '2027-01-31' }, { sha256: 'C'.repeat(64) }];
    const { config } = attemptLoad(clients(given, []));
    expect(config.clients.map(({ key_sha256: keys }) => keys)).toEqual([given, []]);
    expect(describeConfig(config)['clients']).toMatchObject([{ key_sha256: ['aaaaaaaa…', { sha256: 'bbbbbbbb…' }, { sha256: 'cccccccc…' }] }, {}]);
  });

  it.each<[unknown, string | RegExp]>([
    [1, HASH_PROBLEM], ['x', HASH_PROBLEM], [[A, 'x'], /^clients\[0\]\.key_sha256\[1\] must be the SHA-256/],
    [[{ sha256: A, expires: '2027-01-31' }], 'clients[0].key_sha256[0].expires is not a known key'],
    [[{ sha256: A, expires_at: '31.1.2027' }], /^clients\[0\]\.key_sha256\[0\]\.expires_at must be a date or a time with its offset/],
    [Array.from({ length: 17 }, (_, index) => index.toString(16).padStart(64, '0')), /a list of at most 16 keys/],
  ])('%j is refused at its place', (keys, expected) => {
    const [problem = ''] = problemsOf(clients(keys));
    expect(problem).toMatch(expected);
  });

  it('has no key twice, in one client or in two, however it is written', () => {
    expect(problemsOf(clients([A, A.toUpperCase()]))).toEqual(['clients[0].key_sha256[1] must be other than clients[0].key_sha256[0], received the same hash']);
    expect(problemsOf(clients(A, [B, { sha256: A }]))).toEqual(['clients[1].key_sha256[1] must be other than clients[0].key_sha256, received the same hash']);
  });

  it.each(['test', 'changeme', 'sk-ant-...', 'pen_public-key-of-the-simulator'])('the hash of %j is refused (an attacker tries that key), but not in front of the simulator', (key) => {
    expect(problemsOf(clients(B, [hashClientKey(key)]))[0]).toMatch(/^clients\[1\]\.key_sha256\[0\] must be the hash of a secret key, received the hash of a well-known word/);
    expect(attemptLoad({ ...clients(hashClientKey(key)), simulate: true }).config.clients).toHaveLength(1);
  });

  it('an end is a day or a time that exists', () => {
    for (const moment of ['2027-01-31', '2028-02-29', '2027-01-31T18:00Z', '2027-01-31T18:00:00.5+02:00']) expect(isMoment(moment), moment).toBe(true);
    for (const moment of ['2027-02-29', '2027-13-01', '2027-01-31T18:00:00', '2027-01-31 18:00Z', '2027', 'tomorrow', '2027-01-31T25:00Z', '']) expect(isMoment(moment), moment).toBe(false);
  });
});

describe('warnings of keys', () => {
  const warnings = (document: object, simulate = false): string[] => findKeyWarnings(gatewayConfigSchema.parse(document), simulate, Date.parse('2027-01-01'));
  const SOUND = `sk-ant-api03-${'Ab1_'.repeat(20)}`;

  it.each<[string, RegExp | undefined]>([
    [SOUND, undefined], ['sk-ant-...', /placeholder/], ['<key>', /placeholder/], ['sk-ant-api03-xxxxxxxxxxxxxxxxxxxxxxxx', /placeholder/], ['your-key-here', /placeholder/], ['${KEY}', /placeholder/],
    ['foobar', /does not have the form/], ['sk-proj-abcdefghijklmnopqrst', /does not have the form/], [`sk-ant-admin01-${'a'.repeat(40)}`, /Admin API key/],
  ])('%j as the key of anthropic.com', (key, expected) => {
    const found = warnings({ anthropic_native: { api_key: key } });
    if (expected === undefined) expect(found).toEqual([]);
    else expect(found.join()).toMatch(expected);
    expect(found.join()).not.toContain(key);
    expect(warnings({ anthropic_native: { api_key: key } }, true)).toEqual([]);
  });

  it('another origin may have keys of another form, but no placeholder', () => {
    expect(warnings({ anthropic_native: { base_url: 'http://127.0.0.1:9', api_key: 'foobar' } })).toEqual([]);
    expect(warnings({ openai_front_door: { backends: [{ name: 'o', kind: 'openai', api_key: 'your-api-key' }] } })).toEqual(['openai_front_door.backends[0].api_key looks like a placeholder: put a key there']);
  });

  it('each key of a list of upstreams is looked at; a bearer may have any form, but is no placeholder', () => {
    const entry = (name: string, credential: object, more: object = {}): object => ({ name, credential, ...more });
    const upstreams = [entry('a', { api_key: 'foobar' }), entry('b', { api_key: 'foobar' }, { base_url: 'http://127.0.0.1:9' }), entry('c', { bearer: 'your-token-here' }), entry('d', { bearer: 'foobar' }), entry('e', { bearer_file: '/run/token' })];
    const found = warnings({ anthropic_native: { upstreams } });
    expect(found).toEqual([
      expect.stringMatching(/^anthropic_native\.upstreams\[0\]\.credential\.api_key does not have the form/),
      'anthropic_native.upstreams[2].credential.bearer looks like a placeholder: put a key there',
    ]);
  });

  it('a client that no key can open is named', () => {
    const example = '9bfaa4cc7df84f1f0a8cd85bbbda2f7e8a55ba55a8ca5163af7dfa4a1f6a2a8a';
    const found = warnings({ clients: [
      { name: 'well', key_sha256: [{ sha256: A, expires_at: '2026-01-01' }, B] }, { name: 'none', key_sha256: [] }, { name: 'example', key_sha256: example },
      { name: 'over', key_sha256: [{ sha256: 'c'.repeat(64), expires_at: '2026-12-31' }] }, { name: 'gone', key_sha256: 'd'.repeat(64), expires_at: '2026-12-31' },
    ] });
    expect(found.map((text) => text.split(' ')[1])).toEqual(['none', 'example', 'over', 'gone']);
  });
});

describe('the examples of the repository', () => {
  const ROOT = join(import.meta.dirname, '../../../..');
  const SKIPPED = new Set(['node_modules', 'dist', '.git', '.turbo', 'test', 'CHANGELOG.md']);
  const files = (folder: string): string[] => readdirSync(folder).filter((name) => !SKIPPED.has(name)).map((name) => join(folder, name)).flatMap((path) => (statSync(path).isDirectory() ? files(path) : [path]));

  it('show only hashes that no key is known for, but for the client of the simulator', () => {
    const shown = files(ROOT).filter((path) => /\.(?:md|json|yaml|yml|ts|mjs|tpl)$/.test(path) && !path.endsWith('known-keys.ts')).flatMap((path) =>
      Array.from(readFileSync(path, 'utf8').matchAll(/key_sha256"?: ?\[?"([0-9a-f]{64})"/g), ([, hash = '']) => ({ path, hash })));
    expect(shown.length).toBeGreaterThan(8);
    for (const { path, hash } of shown) {
      if (path.endsWith('deploy/gateway.simulated.json')) expect(isKnownKey(hash)).toBe(true);
      else expect(isExampleHash(hash), path).toBe(true);
    }
  });
});
