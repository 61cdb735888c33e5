import { describe, expect, it } from 'vitest';
import { changesBetween, mergeReloaded } from '../../src/config/changes-between.ts';
import { isConfigError } from '../../src/config/config-error.ts';
import { attemptLoad } from './config-folder.ts';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';

const HASH = 'a'.repeat(64);

function config(file: object, environment?: Record<string, string>): GatewayConfig {
  return attemptLoad(environment === undefined ? { file } : { file, environment }).config;
}

describe('changesBetween', () => {
  it('changesBetween: separates reloadable changes from those that need a restart, by path and without values', () => {
    const before = config({ clients: [{ name: 'a', key_sha256: HASH }, { name: 'b', key_sha256: 'b'.repeat(64) }] });
    const after = config({
      server: { port: 8001, workers: 2 }, log: { level: 'debug' },
      anthropic_native: { allow_unknown_routes: true, timeouts: { idle: 5 }, pool: { max_connections: 50 } },
      clients: [{ name: 'a', key_sha256: HASH, models: ['x'] }, { name: 'c', key_sha256: 'c'.repeat(64) }],
    }, { ANTHROPIC_API_KEY: 'another' });
    const { applied, restartRequired } = changesBetween(before, after);
    expect([...applied].toSorted()).toEqual([
      'anthropic_native.allow_unknown_routes', 'anthropic_native.api_key', 'anthropic_native.pool.max_connections', 'anthropic_native.timeouts.idle', 'clients.a.models', 'clients.b', 'clients.c', 'log.level',
    ]);
    expect([...restartRequired].toSorted()).toEqual(['server.port', 'server.workers']);
  });

  it('names the keep-alive times of the main listener as what needs a restart', () => {
    const after = config({ server: { keep_alive_timeout: 610, unauthenticated_keep_alive_timeout: 7 } });
    expect(changesBetween(config({}), after)).toEqual({ applied: [], restartRequired: ['server.keep_alive_timeout', 'server.unauthenticated_keep_alive_timeout'] });
  });

  it('finds nothing between equals', () => {
    expect(changesBetween(config({}), config({ $schema: 'x' }))).toEqual({ applied: [], restartRequired: [] });
  });
});

describe('a credential and its origin', () => {
  const LIST = { upstreams: [{ name: 'a', base_url: 'https://eu.example', credential: { api_key: 'sk-eu' } }], routing: { stateful: 'a' }, price_multiplier: '0.9' };
  const SHORT = { base_url: 'https://eu.example', api_key: 'sk-eu' };
  const native = (section: object): GatewayConfig => config({ anthropic_native: section }, {});

  it.each([
    ['a list that becomes the short form', LIST, SHORT, ['anthropic_native.base_url', 'anthropic_native.api_key', 'anthropic_native.upstreams', 'anthropic_native.routing.stateful', 'anthropic_native.price_multiplier']],
    ['the short form that becomes a list', SHORT, LIST, ['anthropic_native.base_url', 'anthropic_native.api_key', 'anthropic_native.upstreams', 'anthropic_native.routing.stateful', 'anthropic_native.price_multiplier']],
    ['another origin with its key', SHORT, { base_url: 'https://us.example', api_key: 'sk-us' }, ['anthropic_native.base_url', 'anthropic_native.api_key']],
    ['another proxy with its key', SHORT, { ...SHORT, proxy: 'http://proxy.example:3128', api_key: 'sk-new' }, ['anthropic_native.api_key', 'anthropic_native.proxy']],
  ])('%s needs a restart as a whole, and nothing of it is applied', (_what, from, to, paths) => {
    const [before, after] = [native(from), native(to)];
    const { applied, restartRequired } = changesBetween(before, after);
    expect(applied).toEqual([]);
    expect(restartRequired.map((path) => path.replace(/(upstreams)\..*/, '$1')).toSorted()).toEqual(paths.toSorted());
    expect(mergeReloaded(before, after, { simulate: false }).anthropic_native).toEqual(before.anthropic_native);
  });

  it('a key alone, and the entries of a list, are applied', () => {
    expect(changesBetween(native(SHORT), native({ ...SHORT, api_key: 'sk-new' })).applied).toEqual(['anthropic_native.api_key']);
    const longer = { ...LIST, upstreams: [...LIST.upstreams, { name: 'b', credential: { api_key: 'sk-b' } }] };
    expect(changesBetween(native(LIST), native(longer))).toEqual({ applied: ['anthropic_native.upstreams.b'], restartRequired: [] });
  });
});

describe('mergeReloaded', () => {
  it('takes the new values that take effect, and keeps the old ones elsewhere', () => {
    const before = config({});
    const merged = mergeReloaded(before, config({ server: { port: 8001 }, anthropic_native: { timeout: 9, base_url: 'https://eu.anthropic.com' } }), { simulate: false });
    expect(merged.server.port).toBe(8000);
    expect(merged.anthropic_native).toMatchObject({ base_url: 'https://api.anthropic.com', timeout: 9, timeouts: { quick_headers: 9 } });
    expect(changesBetween(before, merged).restartRequired).toEqual([]);
  });

  it('refuses a mix that no file would be allowed to be (clients removed together with the open host, which stays)', () => {
    const before = config({ server: { host: '0.0.0.0', allowed_hosts: ['x'] }, clients: [{ name: 'a', key_sha256: HASH }] });
    const after = config({ server: { allowed_hosts: ['x'] } });
    try {
      mergeReloaded(before, after, { simulate: false });
      expect.unreachable();
    } catch (error) {
      expect(isConfigError(error) && error.problems.map(({ path }) => path)).toEqual(['server.host']);
    }
  });
});
