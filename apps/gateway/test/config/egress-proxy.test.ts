import { describe, expect, it } from 'vitest';
import { proxyFromEnvironment } from '../../src/config/reading/egress-proxy.ts';
import { TEST_KEY, attemptLoad, problemsOf } from './config-folder.ts';

const PROXY = 'http://proxy.example.com:3128';

describe('HTTPS_PROXY', () => {
  it('is used for https hosts other than loopback', () => {
    expect(proxyFromEnvironment('https://api.anthropic.com', { HTTPS_PROXY: PROXY })).toBe(PROXY);
    expect(proxyFromEnvironment('https://api.anthropic.com', { https_proxy: 'lower:1', HTTPS_PROXY: PROXY })).toBe('http://lower:1');
    for (const target of ['http://api.anthropic.com', 'https://localhost', 'https://127.0.0.1', 'https://[::1]:1']) {
      expect(proxyFromEnvironment(target, { HTTPS_PROXY: PROXY }), target).toBeUndefined();
    }
  });

  it('fills in the native upstream and every backend, unless the configuration names a proxy', () => {
    const environment = { ANTHROPIC_API_KEY: TEST_KEY, HTTPS_PROXY: PROXY, NO_PROXY: 'inside.example.com' };
    const backends = [
      { name: 'a', kind: 'openai' }, { name: 'b', kind: 'openai', base_url: 'https://inside.example.com/v1' }, { name: 'c', kind: 'openai', proxy: 'http://other:1' },
    ];
    const { config } = attemptLoad({ environment, file: { openai_front_door: { backends, models: [{ model: '*', backend: 'a' }] } } });
    expect(config.anthropic_native.proxy).toBe(PROXY);
    expect(config.openai_front_door.backends.map(({ proxy }) => proxy)).toEqual([PROXY, undefined, 'http://other:1']);
  });

  it('of another kind is a problem that does not show it (it may hold a password)', () => {
    expect(problemsOf({ environment: { ANTHROPIC_API_KEY: TEST_KEY, HTTPS_PROXY: 'socks5://u:hush@h:1' } })).toEqual(['HTTPS_PROXY must be an http:// or https:// URL, received something else']);
  });
});

describe('NO_PROXY', () => {
  it.each([
    ['api.anthropic.com', true], ['anthropic.com', true], ['.anthropic.com', true], ['*.anthropic.com', true], ['*', true], ['a.com, anthropic.com', true],
    ['API.Anthropic.com:443', true], ['api.anthropic.com:8443', false], ['thropic.com', false], ['', false], ['example.com', false],
  ])('%j excludes api.anthropic.com: %s', (list, isExcluded) => {
    expect(proxyFromEnvironment('https://api.anthropic.com', { HTTPS_PROXY: PROXY, NO_PROXY: list })).toBe(isExcluded ? undefined : PROXY);
  });
});
