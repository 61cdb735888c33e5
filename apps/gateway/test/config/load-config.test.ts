import { rootCertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { TEST_KEY, attemptLoad, problemsOf, refusalOf } from './config-folder.ts';

describe('defaults', () => {
  it('are those of the reference when there is no file', () => {
    const { config, sourcePath, files, warnings } = attemptLoad({});
    expect(sourcePath).toBeUndefined();
    expect(files).toEqual([]);
    expect(warnings).toEqual([]);
    expect(config.server).toMatchObject({ host: '127.0.0.1', port: 8000, workers: 1, max_connections: 8000, pre_stop_delay: 0, drain_timeout: 600 });
    expect(config.operations).toEqual({ host: '127.0.0.1', port: 9464, page: true });
    expect(config.anthropic_native).toMatchObject({
      base_url: 'https://api.anthropic.com', version: '2023-06-01', api_key: TEST_KEY, credentials: 'inject', timeout: 60,
      timeouts: { slot_wait: 5, connect: 10, write_stall: 10, quick_headers: 60, stream_headers: 300, message_headers: 610, idle: 120, client_stall: 120 },
      pool: { max_connections: 20, max_keepalive_connections: 10, keepalive_expiry: 30, max_waiting: 100 },
      route_groups: ['messages', 'models', 'batches', 'files', 'skills'], allow_unknown_routes: false, max_buffered_bytes: 268_435_456,
      rewrite_batch_results_url: false, keep_alive_comments: 0, allow_insecure_base_url: false,
    });
    expect(config.clients).toEqual([]);
    expect(config.limits).toEqual({ store: 'memory', on_store_failure: 'open' });
    expect(config.log).toEqual({ level: 'info', destination: 'stdout', format: 'auto', audit: 'stderr' });
    expect(config.openai_front_door).toMatchObject({ enabled: true, later_system_messages: 'inline', json_object: 'ignore', backends: [], models: [] });
  });

  it('quick_headers follows timeout, and keep-alive follows a small maximum', () => {
    const { config } = attemptLoad({ file: { anthropic_native: { timeout: 7, pool: { max_connections: 4 } } } });
    expect(config.anthropic_native.timeouts.quick_headers).toBe(7);
    expect(config.anthropic_native.pool.max_keepalive_connections).toBe(4);
  });
});

describe('layers', () => {
  const file = { server: { port: 1001 }, log: { level: 'warn' }, anthropic_native: { version: '2026-01-01', api_key: 'from-file' } };

  it('environment wins over the file, and flags over both', () => {
    const environment = { ANTHROPIC_API_KEY: 'from-environment', PENSTOCK_PORT: '1002', PENSTOCK_LOG_LEVEL: 'error', PENSTOCK_OPERATIONS_PORT: '1004' };
    const { config } = attemptLoad({ file, environment, argv: { port: '1003' } });
    expect(config.anthropic_native).toMatchObject({ api_key: 'from-environment', version: '2026-01-01' });
    expect(config.server.port).toBe(1003);
    expect(config.operations.port).toBe(1004);
    expect(config.log.level).toBe('error');
  });

  it('an empty variable sets nothing (compose files pass empty ones)', () => {
    expect(attemptLoad({ file, environment: { ANTHROPIC_API_KEY: '', PENSTOCK_PORT: ' ' } }).config.server.port).toBe(1001);
  });

  it('names the variable or flag a bad value came from', () => {
    expect(problemsOf({ environment: { ANTHROPIC_API_KEY: TEST_KEY, PENSTOCK_PORT: 'abc' } })).toEqual([
      'server.port must be an integer from 0 to 65535, received "abc" from PENSTOCK_PORT',
    ]);
    expect(problemsOf({ argv: { operationsPort: '70000' } })).toEqual(['operations.port must be an integer from 0 to 65535, received 70000 from --operations-port']);
  });

  it('--config wins over PENSTOCK_CONFIG, which wins over config.json', () => {
    const files = { 'one.json': '{"server":{"port":1}}', 'two.json': '{"server":{"port":2}}' };
    const environment = { ANTHROPIC_API_KEY: TEST_KEY, PENSTOCK_CONFIG: 'one.json' };
    expect(attemptLoad({ file, files, environment }).config.server.port).toBe(1);
    expect(attemptLoad({ file, files, environment, argv: { config: 'two.json' } }).config.server.port).toBe(2);
    expect(refusalOf({ argv: { config: 'absent.json' } })).toMatchObject({ code: 'unreadable', message: expect.stringContaining('no such file') });
  });
});

describe('references', () => {
  it('env and file references stand in any string, alone or within one', () => {
    const { config, files } = attemptLoad({
      file: { anthropic_native: { api_key: '${file:key.txt}' }, limits: { store: 'redis://:${env:PASSWORD}@localhost' }, log: { destination: '${env:LOG}' } },
      files: { 'key.txt': 'key-in-a-file\n' },
      environment: { PASSWORD: 'pw', LOG: 'stderr' },
    });
    expect(config.anthropic_native.api_key).toBe('key-in-a-file');
    expect(config.limits.store).toBe('redis://:pw@localhost');
    expect(config.log.destination).toBe('stderr');
    expect(files.map((path) => path.split('/').at(-1))).toEqual(['config.json', 'key.txt']);
  });

  it('references: an unresolvable one is one problem at its path, never an empty value', () => {
    expect(problemsOf({ file: { anthropic_native: { base_url: '${env:NOPE}', version: '${file:nope}' }, log: { destination: '${vault:x}' } } })).toEqual([
      'anthropic_native.base_url must be a reference to an environment variable that is set, received ${env:NOPE}',
      'anthropic_native.version must be the path of a readable file of at most 1 MiB, received "nope" (ENOENT)',
      'log.destination must be text, ${env:NAME} or ${file:PATH}, received a reference of kind "vault"',
    ]);
  });

  it('a reference that the environment replaces is not looked up, and text from the environment is not searched', () => {
    const environment = { ANTHROPIC_API_KEY: '${env:HOME}' };
    expect(attemptLoad({ file: { anthropic_native: { api_key: '${env:NOPE}' } }, environment }).config.anthropic_native.api_key).toBe('${env:HOME}');
  });

  it('certificate fields take PEM text or a path', () => {
    const [pem = ''] = rootCertificates;
    const files = { 'ca.pem': `${pem}\n` };
    expect(attemptLoad({ file: { anthropic_native: { ca: 'ca.pem' } }, files }).config.anthropic_native.ca).toBe(pem);
    expect(attemptLoad({ file: { anthropic_native: { ca: pem } } }).config.anthropic_native.ca).toBe(pem);
    expect(problemsOf({ file: { anthropic_native: { ca: 'empty.pem' } }, files: { 'empty.pem': 'not PEM' } })).toEqual([
      'anthropic_native.ca must be certificates: PEM text, or the path of a PEM file, received a string (hidden)',
    ]);
  });
});

describe('problems', () => {
  it('come all at once, with path, expectation and what was received', () => {
    expect(problemsOf({
      file: {
        server: { port: -1, workers: 'many', prot: 1 }, anthropic_native: { timeouts: { idle: 0 }, pool: { maxWaiting: 5, max_connections: 2, max_keepalive_connections: 3 } },
        clients: [{ name: 'a b', key_sha256: 'x' }, {}], metrics: true, host: 'x',
      },
    })).toEqual([
      'server.port must be an integer from 0 to 65535, received -1',
      'server.workers must be an integer from 0 to 1024, received "many"',
      'server.prot is not a known key; did you mean server.port?',
      'anthropic_native.timeouts.idle must be a number of seconds above 0 and at most 86400, received 0',
      'anthropic_native.pool.maxWaiting is not a known key; did you mean anthropic_native.pool.max_waiting?',
      'clients[0].name must be a name of 1 to 64 letters, digits, dots, dashes or underscores, other than anonymous and unauthenticated, received "a b"',
      'clients[0].key_sha256 must be the SHA-256 of a client key in 64 hexadecimal digits, as `penstock keys create` prints it, received a string (hidden)',
      'clients[1].name must be a name of 1 to 64 letters, digits, dots, dashes or underscores, other than anonymous and unauthenticated, received nothing',
      'clients[1].key_sha256 must be the SHA-256 of a client key in 64 hexadecimal digits, as `penstock keys create` prints it, received nothing',
      'metrics is not a known key',
      'host is not a known key; did you mean server.host or operations.host?',
      'anthropic_native.pool.max_keepalive_connections must be at most anthropic_native.pool.max_connections (2), received 3',
    ]);
  });

  it('name the place of malformed JSON without quoting it (a key may stand there)', () => {
    const refusal = refusalOf({ file: '{\n  "anthropic_native": { "api_key": sk-ant-secret }\n}' });
    expect(refusal.code).toBe('invalid_json');
    expect(refusal.message).toMatch(/malformed JSON at line 2 column 3[67]$/);
    for (const text of ['', '{"a":1,,}', '{"a" 1}', '{}}', '[', '"\n"', 'nul', '{"a":tru}']) {
      expect(refusalOf({ file: text }).message).toMatch(/malformed JSON at line \d column \d+$/);
    }
  });

  it('of a YAML file says that JSON is read', () => {
    expect(refusalOf({ files: { 'penstock.yaml': 'server:\n  port: 1\n' }, argv: { config: 'penstock.yaml' } }).message).toContain('must be JSON (YAML is not read), received malformed JSON at line 1 column 1');
  });

  it('of a key in clear is an unknown key, not the path of a file, and its value is not shown', () => {
    const problems = problemsOf({ file: { clients: [{ name: 'alice', key: 'pen_secret' }] } });
    expect(problems).toContain('clients[0].key is not a known key; did you mean clients[0].key_sha256?');
    expect(problems.join()).not.toContain('pen_secret');
  });

  it('problems of rules between fields are reported although a section lacks a required key', () => {
    const problems = problemsOf({ file: { server: { host: '0.0.0.0', tls: { cert: 'missing.pem', key: 'missing.pem' } }, anthropic_native: { pool: { max_connections: 5, max_keepalive_connections: 9 } } } });
    expect(problems).toEqual([
      expect.stringMatching(/^server\.tls\.cert must be the path of a readable file/),
      expect.stringMatching(/^server\.tls\.key must be the path of a readable file/),
      expect.stringMatching(/^anthropic_native\.pool\.max_keepalive_connections must be at most/),
      expect.stringMatching(/^server\.host must be a loopback address/),
      expect.stringMatching(/^server\.allowed_hosts must be given/),
    ]);
  });

  it('a byte order mark is ignored (some editors write one, and it is invisible)', () => {
    expect(attemptLoad({ file: '\ufeff{"server":{"port":1}}' }).config.server.port).toBe(1);
  });

  it('a folder or a pipe in place of the file is called that', () => {
    expect(problemsOf({ argv: { config: '.' } })).toEqual(['the configuration must be a readable file of at most 4 MiB, received a folder']);
    expect(problemsOf({ argv: { config: '/dev/null' } })).toEqual(['the configuration must be a readable file of at most 4 MiB, received something that is no regular file']);
  });

  it('name the files whose change may mend them, so that they can be watched', () => {
    const attempt = { file: { anthropic_native: { version: '${file:v.txt}' } }, environment: { ANTHROPIC_API_KEY: TEST_KEY, MODEL_CAPABILITIES_FILE: 'caps.json' } };
    const names = (files: readonly string[]): (string | undefined)[] => files.map((path) => path.split('/').at(-1));
    expect(names(refusalOf(attempt).files)).toEqual(['config.json', 'v.txt', 'caps.json']);
    expect(names(refusalOf({ file: '{' }).files)).toEqual(['config.json']);
    expect(names(attemptLoad({ ...attempt, files: { 'v.txt': '2026-10-21', 'caps.json': '{}' } }).files)).toEqual(['config.json', 'v.txt', 'caps.json']);
  });

  it('problems of HTTPS_PROXY are not reported with the simulator', () => {
    const environment = { HTTPS_PROXY: 'socks5://127.0.0.1:1' };
    expect(problemsOf({ environment: { ...environment, ANTHROPIC_API_KEY: TEST_KEY } })).toEqual(['HTTPS_PROXY must be an http:// or https:// URL, received something else']);
    expect(attemptLoad({ environment, simulate: true }).config.anthropic_native.proxy).toBeUndefined();
  });

  it('a document that is no object is one problem', () => {
    expect(problemsOf({ file: '[1]' })).toEqual(['the configuration must be a JSON object, received a list']);
    expect(problemsOf({ file: 'null' })).toEqual(['the configuration must be a JSON object, received null']);
  });
});

describe('model capabilities', () => {
  const file = { openai_front_door: { model_capabilities: { 'claude-a': { rejects_sampling: true, default_max_tokens: 1 } } } };

  it('come from the file, MODEL_CAPABILITIES_FILE over it, MODEL_CAPABILITIES_JSON over both, field by field', () => {
    const { config } = attemptLoad({
      file, files: { 'models.json': '{"claude-a":{"default_max_tokens":2,"rejects_forced_tools":true},"claude-b":{"inline_system":true}}' },
      environment: { ANTHROPIC_API_KEY: TEST_KEY, MODEL_CAPABILITIES_FILE: 'models.json', MODEL_CAPABILITIES_JSON: '{"claude-a":{"default_max_tokens":3}}' },
    });
    expect(config.openai_front_door.model_capabilities).toEqual({
      'claude-a': { rejects_sampling: true, default_max_tokens: 3, rejects_forced_tools: true }, 'claude-b': { inline_system: true },
    });
  });

  it('are validated as if they stood in the file', () => {
    const environment = { ANTHROPIC_API_KEY: TEST_KEY, MODEL_CAPABILITIES_JSON: '{"claude-a":{"rejectsSampling":true}}', MODEL_CAPABILITIES_FILE: 'absent.json' };
    expect(problemsOf({ file, environment })).toEqual([
      'MODEL_CAPABILITIES_FILE must be a JSON object of model names and what they accept, received something else',
      'openai_front_door.model_capabilities.claude-a.rejectsSampling is not a known key; did you mean openai_front_door.model_capabilities.claude-a.rejects_sampling?',
    ]);
  });
});

describe('warnings of the start', () => {
  const warningsOf = (file: object): string[] => attemptLoad({ file }).warnings.filter((warning) => warning.includes('max_connections'));
  const clients = ['a', 'b'].map((name) => ({ name, key_sha256: name.repeat(64) }));

  it('names the default pool where several clients share it, once', () => {
    expect(warningsOf({ clients })).toHaveLength(1);
    expect(warningsOf({ clients: clients.slice(1) })).toEqual([]);
    expect(warningsOf({ clients, anthropic_native: { pool: { max_connections: 20 } } })).toEqual([]);
    expect(warningsOf({})).toEqual([]);
  });
});
