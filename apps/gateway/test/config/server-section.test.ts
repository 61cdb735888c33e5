import { describe, expect, it } from 'vitest';
import { attemptLoad, problemsOf } from './config-folder.ts';

describe('server.cors_origins', () => {
  it.each([
    'https://app.example.com', 'http://localhost:3000', 'https://app.example.com:8443', 'http://[2001:db8::1]:8080', 'app://obsidian.md', 'tauri://localhost', 'capacitor://localhost', 'ionic://localhost:8100',
    'chrome-extension://aaaabbbbccccddddeeeeffffgggghhhh', 'moz-extension://0f1c2a5e-2d0b-4a3e-8d8e-5b0c0f1e2d3c', 'safari-web-extension://0F1C2A5E-2D0B-4A3E-8D8E-5B0C0F1E2D3C',
    'vscode-webview://0u1v2w3x4y5z6a7b8c9d', 'vscode-file://vscode-app',
  ])('takes %s', (origin) => {
    expect(attemptLoad({ file: { server: { cors_origins: [origin] } } }).config.server.cors_origins).toEqual([origin]);
  });

  it.each([
    'https://app.example.com/', 'https://app.example.com/path', 'https://App.example.com', 'HTTPS://app.example.com', 'https://app.example.com:443', 'http://app.example.com:80', 'https://user@app.example.com',
    'app.example.com', 'app://', 'file://', 'app:obsidian.md', 'app://obsidian.md/', 'app://obsidian.md:99999', 'app://a b', 'https://*.example.com', 'app://obsidian.md?x', 'app://x#y', 'https://ex\u00e4mple.com', `app://${'x'.repeat(600)}`,
  ])('refuses %s, which no browser sends', (origin) => {
    expect(problemsOf({ file: { server: { cors_origins: [origin] } } })).toEqual([expect.stringMatching(/^server\.cors_origins\[0\] must be an origin such as https:\/\/app\.example\.com or app:\/\/obsidian\.md/)]);
  });

  it.each([['null', 'every sandboxed frame'], ['*', 'every page']])('refuses %s with its reason', (origin, reason) => {
    expect(problemsOf({ file: { server: { cors_origins: ['https://a.example', origin] } } })).toEqual([
      expect.stringMatching(new RegExp(`^server\\.cors_origins\\[1\\] must be an origin of its own, not "${origin === '*' ? '\\*' : origin}": ${reason}.*, received "`)),
    ]);
  });
});

describe('server.keep_alive_timeout', () => {
  it('is above zero, and the time of connections without a key is at most as long, also where it is not given', () => {
    expect(attemptLoad({}).config.server).toMatchObject({ keep_alive_timeout: 75, unauthenticated_keep_alive_timeout: 5 });
    expect(attemptLoad({ file: { server: { keep_alive_timeout: 2 } } }).config.server.unauthenticated_keep_alive_timeout).toBe(2);
    expect(attemptLoad({ file: { server: { keep_alive_timeout: 620, unauthenticated_keep_alive_timeout: 620 } } }).config.server.unauthenticated_keep_alive_timeout).toBe(620);
    expect(problemsOf({ file: { server: { keep_alive_timeout: 0 } } })).toEqual([expect.stringContaining('server.keep_alive_timeout must be a number of seconds above 0')]);
    expect(problemsOf({ file: { server: { keep_alive_timeout: 60, unauthenticated_keep_alive_timeout: 61 } } })).toEqual([
      'server.unauthenticated_keep_alive_timeout must be at most server.keep_alive_timeout (60), received 61',
    ]);
  });
});

describe('a port variable that holds the address of a service', () => {
  const environment = { ANTHROPIC_API_KEY: 'k', PENSTOCK_PORT: 'tcp://10.96.12.7:80', PENSTOCK_OPERATIONS_PORT: 'udp://[fd00::1]:9464', PENSTOCK_PORT_80_TCP: 'tcp://10.96.12.7:80', PENSTOCK_SERVICE_HOST: '10.96.12.7' };

  it('sets nothing, and a warning names it (Kubernetes sets one for each service unless enableServiceLinks is false)', () => {
    const { config, warnings } = attemptLoad({ environment });
    expect([config.server.port, config.operations.port]).toEqual([8_000, 9_464]);
    expect(warnings.filter((warning) => warning.includes('enableServiceLinks')).map((warning) => warning.split(' ')[0])).toEqual(['PENSTOCK_PORT', 'PENSTOCK_OPERATIONS_PORT']);
  });

  it('leaves the file and the flags as they are', () => {
    const { config } = attemptLoad({ environment, file: { server: { port: 1_001 } }, argv: { operationsPort: '1002' } });
    expect([config.server.port, config.operations.port]).toEqual([1_001, 1_002]);
  });

  it('is no service address in a flag or without a scheme', () => {
    expect(problemsOf({ environment: { ANTHROPIC_API_KEY: 'k' }, argv: { port: 'tcp://10.96.12.7:80' } })).toEqual([expect.stringContaining('from --port')]);
    expect(problemsOf({ environment: { ANTHROPIC_API_KEY: 'k', PENSTOCK_PORT: '10.96.12.7:80' } })).toEqual([expect.stringContaining('from PENSTOCK_PORT')]);
  });
});

describe('a key in quotation marks', () => {
  it.each(['"sk-ant-hush"', "'sk-ant-hush'", '`sk-ant-hush`', '"sk-ant-hush', 'sk-ant-hush"', '"'])('%s is refused, and not shown (docker run --env-file leaves them, and each request would be a 401)', (key) => {
    const attempts = [
      { environment: { ANTHROPIC_API_KEY: key } }, { file: { anthropic_native: { api_key: key } }, environment: {} },
      { file: { anthropic_native: { api_key: '${env:KEY}' } }, environment: { KEY: key } },
    ];
    for (const attempt of attempts) {
      const problems = problemsOf(attempt);
      expect(problems).toEqual([expect.stringMatching(/^anthropic_native\.api_key must be an API key without quotation marks around it .*received a string \(hidden\)/)]);
      expect(problems.join()).not.toContain('hush');
    }
    expect(problemsOf({ file: { openai_front_door: { backends: [{ name: 'o', kind: 'openai', base_url: 'https://o.example/v1', api_key: key }] } } }).join()).toContain('openai_front_door.backends[0].api_key must be an API key without quotation marks');
  });

  it('is one with them inside only', () => {
    expect(attemptLoad({ environment: { ANTHROPIC_API_KEY: 'a"b' } }).config.anthropic_native.api_key).toBe('a"b');
    expect(attemptLoad({ environment: { ANTHROPIC_API_KEY: 'k' } }).config.anthropic_native.api_key).toBe('k');
  });
});
