import { describe, expect, it } from 'vitest';
import { TEST_KEY, attemptLoad, problemsOf } from './config-folder.ts';

const PROXY = 'http://proxy.example.com:3128';

/** The proxy of the native side in an environment; `proxyFromEnvironment` of upstream-client decides, whose tests have every case. */
function proxyOf(environment: Readonly<Record<string, string>>, native: Readonly<Record<string, unknown>> = {}): string | undefined {
  return attemptLoad({ environment: { ANTHROPIC_API_KEY: TEST_KEY, ...environment }, file: { anthropic_native: native } }).config.anthropic_native.proxy;
}

describe('an egress proxy of the environment', () => {
  it('fills in the native upstream and every backend, unless the configuration names a proxy', () => {
    const environment = { ANTHROPIC_API_KEY: TEST_KEY, HTTPS_PROXY: PROXY, NO_PROXY: 'inside.example.com' };
    const backends = [
      { name: 'a', kind: 'openai' }, { name: 'b', kind: 'openai', base_url: 'https://inside.example.com/v1' }, { name: 'c', kind: 'openai', proxy: 'http://other:1' },
    ];
    const { config } = attemptLoad({ environment, file: { openai_front_door: { backends, models: [{ model: '*', backend: 'a' }] } } });
    expect(config.anthropic_native.proxy).toBe(PROXY);
    expect(config.openai_front_door.backends.map(({ proxy }) => proxy)).toEqual([PROXY, undefined, 'http://other:1']);
  });

  it('fills in issuers, the provider of sign-in and collectors, each by the machine that is asked', () => {
    const environment = { ANTHROPIC_API_KEY: TEST_KEY, HTTPS_PROXY: PROXY, NO_PROXY: 'inside.example.com' };
    const issuer = { issuer: 'https://issuer.example.com', require: { a: ['b'] } };
    const oidc = { issuer: 'https://idp.example.com', client_id: 'c', allowed_email_domains: ['example.com'] };
    const { config } = attemptLoad({ environment, file: {
      identity: {
        issuers: [{ ...issuer, name: 'a', audience: ['a'] }, { ...issuer, name: 'b', audience: ['b'], jwks_uri: 'https://inside.example.com/keys' }, { ...issuer, name: 'c', audience: ['c'], issuer: 'http://127.0.0.1:1' }, { ...issuer, name: 'd', proxy: 'http://other:1', audience: ['d'] }],
        sign_in: { public_url: 'https://claude.example.com', session_keys: ['k'.repeat(32)], oidc },
      },
      policies: [{ name: 'all', match: {} }],
      telemetry: { forward_to: [{ url: 'https://otel.example.com' }, { url: 'http://127.0.0.1:4318' }] },
    } });
    expect(config.identity.issuers.map(({ proxy }) => proxy)).toEqual([PROXY, undefined, undefined, 'http://other:1']);
    expect(config.identity.sign_in?.oidc.proxy).toBe(PROXY);
    expect(config.telemetry.forward_to.map(({ proxy }) => proxy)).toEqual([PROXY, undefined]);
  });

  it.each([
    ['HTTPS_PROXY, with its user info', { HTTPS_PROXY: 'http://u:hush@proxy.example.com:3128' }, {}, 'http://u:hush@proxy.example.com:3128'],
    ['ALL_PROXY', { ALL_PROXY: PROXY }, {}, PROXY],
    ['http_proxy for an http: upstream', { http_proxy: PROXY, HTTPS_PROXY: 'http://other:1' }, { base_url: 'http://10.1.2.3', allow_insecure_base_url: true }, PROXY],
    ['none for a network of NO_PROXY', { HTTPS_PROXY: PROXY, NO_PROXY: '10.0.0.0/8' }, { base_url: 'https://10.1.2.3' }, undefined],
    ['an empty no_proxy over NO_PROXY', { HTTPS_PROXY: PROXY, NO_PROXY: '*', no_proxy: '' }, {}, PROXY],
    ['none for loopback', { HTTPS_PROXY: PROXY, ALL_PROXY: PROXY, http_proxy: PROXY }, { base_url: 'http://127.0.0.1:1' }, undefined],
  ])('is %s', (_name, environment, native, expected) => {
    expect(proxyOf(environment, native)).toBe(expected);
  });

  it.each(['HTTPS_PROXY', 'ALL_PROXY', 'all_proxy'])('an egress proxy of another kind: is a problem that names %s and does not show its value (it may hold a password)', (variable) => {
    const environment = { ANTHROPIC_API_KEY: TEST_KEY, [variable]: 'socks5://u:hush@h:1' };
    const backends = [{ name: 'a', kind: 'openai' }, { name: 'b', kind: 'openai' }];
    expect(problemsOf({ environment, file: { openai_front_door: { backends, models: [{ model: '*', backend: 'a' }] } } }))
      .toEqual([`${variable} must be an http:// or https:// URL, received something else`]);
  });
});
