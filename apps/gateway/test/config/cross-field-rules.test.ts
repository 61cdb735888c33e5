import { generateKeyPairSync } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { findCrossFieldProblems } from '../../src/config/problems/find-problems.ts';
import { TEST_KEY, attemptLoad, problemsOf } from './config-folder.ts';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import type { Attempt } from './config-folder.ts';

const HASH = 'a'.repeat(64);
const CLIENTS = [{ name: 'one', key_sha256: HASH }];

function accepts(attempt: Attempt): void {
  expect(() => attemptLoad(attempt)).not.toThrow();
}

describe('pool', () => {
  it('keep-alive above the maximum is an error naming both keys', () => {
    expect(problemsOf({ file: { anthropic_native: { pool: { max_connections: 5, max_keepalive_connections: 6 } } } })).toEqual([
      'anthropic_native.pool.max_keepalive_connections must be at most anthropic_native.pool.max_connections (5), received 6',
    ]);
  });

  it('each worker needs a connection', () => {
    expect(problemsOf({ file: { server: { workers: 3 }, anthropic_native: { pool: { max_connections: 2 } } } })).toEqual([
      'anthropic_native.pool.max_connections must be at least the number of workers (server.workers: 3), received 2: workers divide the connections between them',
    ]);
    expect(problemsOf({ file: { server: { workers: 21 }, openai_front_door: { enabled: false } } })).toHaveLength(1);
  });
});

describe('upstream', () => {
  const native = (fields: object): Attempt => ({ file: { anthropic_native: fields } });

  it('is reached by http only on loopback, or when that is allowed', () => {
    expect(problemsOf(native({ base_url: 'http://example.com' }))[0]).toMatch(/^anthropic_native\.base_url must be an https:\/\/ URL.*allow_insecure_base_url/);
    for (const base of ['http://127.0.0.1:9', 'http://localhost:9', 'http://[::1]:9', 'http://127.9.9.9:9', 'http://x.localhost:9']) accepts(native({ base_url: base }));
    for (const base of ['http://localhost.example.com', 'http://127.0.0.1.example.com', 'http://[::2]']) expect(problemsOf(native({ base_url: base }))).toHaveLength(1);
    accepts(native({ base_url: 'http://example.com', allow_insecure_base_url: true }));
  });

  it('has no credentials, query, fragment or version in its URL', () => {
    for (const base of ['https://u:p@example.com', 'https://example.com?x', 'https://example.com#x', 'ftp://example.com', 'example.com', '']) {
      expect(problemsOf(native({ base_url: base })), base).toHaveLength(1);
    }
    expect(problemsOf(native({ base_url: 'https://api.anthropic.com/v1/' }))).toEqual([
      'anthropic_native.base_url must be a URL without /v1 at its end, which the gateway adds, received "https://api.anthropic.com/v1/"',
    ]);
  });

  it('is never the gateway itself (ANTHROPIC_BASE_URL is exported to reach one)', () => {
    for (const base of ['http://127.0.0.1:8000/anthropic', 'http://localhost:8000', 'http://[::1]:8000', 'http://127.0.0.1:9464']) {
      expect(problemsOf({ environment: { ANTHROPIC_API_KEY: TEST_KEY, ANTHROPIC_BASE_URL: base } }).join(), base).toContain('another server than this gateway');
    }
    expect(problemsOf({
      file: { server: { host: '0.0.0.0', allowed_hosts: ['claude.example.com'] }, clients: CLIENTS, anthropic_native: { base_url: 'https://claude.example.com' } },
    }).join()).toContain('another server than this gateway');
    accepts(native({ base_url: 'http://127.0.0.1:8001' }));
  });

  it('is never the gateway under an address of this machine, when it listens on every one', () => {
    const listening = (host: string): GatewayConfig => attemptLoad({
      file: { server: { host, allowed_hosts: ['gw.example.com'] }, clients: CLIENTS, anthropic_native: { base_url: 'https://192.0.2.7:8000' } },
    }).config;
    const context = { simulate: false, cores: 1, localAddresses: ['192.0.2.7'] };
    expect(findCrossFieldProblems(listening('0.0.0.0'), context).map(({ path }) => path)).toEqual(['anthropic_native.base_url']);
    expect(findCrossFieldProblems(listening('0.0.0.0'), { ...context, localAddresses: ['192.0.2.8'] })).toEqual([]);
    expect(findCrossFieldProblems(listening('10.0.0.1'), context)).toEqual([]);
  });

  it('gets no OAuth token as a key: it belongs to one person', () => {
    const [problem = ''] = problemsOf({ environment: { ANTHROPIC_API_KEY: 'sk-ant-oat01-abcdef' } });
    expect(problem).toContain('"forward"');
    expect(problem).not.toContain('abcdef');
  });

  it('inject needs a key, unless the simulator is the upstream', () => {
    expect(problemsOf({ environment: {} })).toEqual([
      'anthropic_native.api_key must be an API key when anthropic_native.credentials is "inject", received nothing: set ANTHROPIC_API_KEY, or try the gateway without a key with --simulate',
    ]);
    accepts({ environment: {}, simulate: true });
    accepts({ environment: { ANTHROPIC_BASE_URL: 'http://127.0.0.1:8000/anthropic' }, simulate: true });
    accepts({ environment: {}, file: { anthropic_native: { credentials: 'forward' } } });
  });

  it('forward sends credentials only to Anthropic, loopback or the trusted origin', () => {
    const forward = (fields: object): Attempt => native({ credentials: 'forward', ...fields });
    expect(problemsOf(forward({ base_url: 'https://proxy.example.com' }))[0]).toContain('trusted_credential_origin');
    expect(problemsOf(forward({ base_url: 'https://notanthropic.com' }))).toHaveLength(1);
    expect(problemsOf(forward({ base_url: 'https://anthropic.com.example.com' }))).toHaveLength(1);
    expect(problemsOf(forward({ base_url: 'https://proxy.example.com:444', trusted_credential_origin: 'https://proxy.example.com' }))).toHaveLength(1);
    accepts(forward({ base_url: 'https://api.anthropic.com' }));
    accepts(forward({ base_url: 'http://localhost:1' }));
    accepts(forward({ base_url: 'https://proxy.example.com/x', trusted_credential_origin: 'https://proxy.example.com' }));
  });
});

describe('exposure', () => {
  const open = { host: '0.0.0.0', allowed_hosts: ['gw.example.com'] };

  it('inject without clients binds only loopback (every caller could use the key)', () => {
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'gw.example.com']) {
      expect(problemsOf({ file: { server: { ...open, host } } })[0], host).toMatch(/^server\.host must be a loopback address when there are no clients/);
    }
    for (const host of ['127.0.0.1', '::1', 'localhost', '127.1.2.3']) accepts({ file: { server: { host } } });
    accepts({ file: { server: open, clients: CLIENTS } });
    accepts({ file: { server: open, anthropic_native: { credentials: 'forward' } } });
  });

  it('a front door with a key of its own is no way around that', () => {
    const backends = [{ name: 'a', kind: 'openai', api_key: 'k' }];
    const file = { server: open, anthropic_native: { credentials: 'forward' }, openai_front_door: { backends } };
    expect(problemsOf({ file })[0]).toContain('openai_front_door.backends have keys');
    accepts({ file: { ...file, openai_front_door: { backends, enabled: false } } });
  });

  it('other hosts than loopback need allowed_hosts', () => {
    expect(problemsOf({ file: { server: { host: '0.0.0.0' }, clients: CLIENTS } })).toEqual([
      'server.allowed_hosts must be given when server.host is not loopback, received an empty list: name the hosts that clients use to reach the gateway',
    ]);
  });

  it('the two listeners do not share an address', () => {
    expect(problemsOf({ file: { server: { port: 9464 } } })).toEqual(['operations.port must be other than server.port (9464), received 9464']);
    accepts({ file: { server: { port: 9464 }, operations: { host: '::1' } } });
    accepts({ file: { server: { port: 0 }, operations: { port: 0 } } });
  });
});

describe('names', () => {
  it('names that stand twice are reported beside an entry of their list that has another problem', () => {
    expect(problemsOf({ file: { clients: [{ name: 'one', key_sha256: 'malformed' }, { name: 'one', key_sha256: HASH }] } })).toEqual([
      expect.stringMatching(/^clients\[0\]\.key_sha256 must be /), 'clients[1].name must be other than clients[0].name, received "one"',
    ]);
    const backend = { name: 'other', kind: 'openai', base_url: 'https://api.openai.example/v1', api_key: 'k' };
    expect(problemsOf({ file: { openai_front_door: { backends: [{ ...backend, kind: 'unknown' }, backend] } } })).toContain(
      'openai_front_door.backends[1].name must be other than openai_front_door.backends[0].name, received "other"');
  });

  it('clients are distinct by name and key', () => {
    expect(problemsOf({ file: { clients: [...CLIENTS, { name: 'one', key_sha256: HASH.toUpperCase() }] } })).toEqual([
      'clients[1].name must be other than clients[0].name, received "one"', 'clients[1].key_sha256 must be other than clients[0].key_sha256, received the same hash',
    ]);
  });

  it('model rules name a backend that exists, and several backends need rules', () => {
    const backends = [{ name: 'claude', kind: 'anthropic', api_key: 'k' }, { name: 'local', kind: 'openai', base_url: 'http://127.0.0.1:1/v1' }];
    expect(problemsOf({ file: { openai_front_door: { backends } } })).toEqual(['openai_front_door.models must be given when there are several backends, received an empty list']);
    expect(problemsOf({ file: { openai_front_door: { backends, models: [{ model: 'x', backend: 'locl' }, { model: '*' }] } } })).toEqual([
      'openai_front_door.models[0].backend must be one of claude, local, received "locl": did you mean "local"?',
      'openai_front_door.models[1].backend must be one of claude, local, received nothing',
    ]);
  });

  it('a model is renamed only where requests are translated', () => {
    const models = [{ model: 'gpt-x', upstream_model: 'gpt-y' }];
    expect(problemsOf({ file: { openai_front_door: { backends: [{ name: 'local', kind: 'openai' }], models } } })).toEqual([
      'openai_front_door.models[0].upstream_model must be absent for an openai backend, whose requests are relayed unchanged, received "gpt-y"',
    ]);
    accepts({ file: { openai_front_door: { models } } });
  });

  it('allow_request_headers cannot open credentials, framing or the gateway\'s own fields', () => {
    for (const name of ['Authorization', 'x-api-key', 'cookie', 'proxy-authorization', 'Transfer-Encoding', 'x-penstock-key', 'host']) {
      expect(problemsOf({ file: { anthropic_native: { allow_request_headers: [name] } } }), name).toHaveLength(1);
    }
    accepts({ file: { anthropic_native: { allow_request_headers: ['x-team', 'x-corp-*'] } } });
  });
});

describe('tls', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  const [certificate = ''] = rootCertificates;

  it('a certificate has its own key, which no problem shows', () => {
    for (const tls of [{ cert: certificate, key: privateKey }, { cert: privateKey, key: privateKey }, { cert: certificate, key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----' }]) {
      expect(problemsOf({ file: { server: { tls } } })).toEqual(['server.tls.key must be the private key of server.tls.cert, both PEM and the key not encrypted, received a pair that TLS cannot use']);
    }
  });

  it('authorities are certificates', () => {
    accepts({ file: { anthropic_native: { ca: `${certificate}\n${rootCertificates[1]}` } } });
    for (const ca of [privateKey, certificate.replace('MII', 'MIX')]) {
      expect(problemsOf({ file: { anthropic_native: { ca } } }), ca).toHaveLength(1);
      expect(problemsOf({ file: { anthropic_native: { upstreams: [{ name: 'a', credential: { api_key: 'k' }, ca }] } } }), ca).toHaveLength(1);
    }
  });
});

describe('a rule', () => {
  it('is silent while a field it reads has a problem of its own (no guessing)', () => {
    expect(problemsOf({ file: { server: { host: 5 } } })).toEqual(['server.host must be a host name or an IP address, without a port, received 5']);
    expect(problemsOf({ file: { server: { host: '0.0.0.0', allowed_hosts: ['x'] }, clients: [{}] } })).toHaveLength(2);
  });
});
