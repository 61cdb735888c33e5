// Keys that are documented as reloadable, changed through the reload of the product while the gateway runs.
import { fieldValues, sendRawRequest, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { openSqliteDatabase, type SqlDatabase } from '@penstock/claude-code-gateway';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { gatewayConfigSchema, type GatewayConfig } from '../../src/config/gateway-config.ts';
import { configJsonSchema, reloadablePaths, schemaAt } from '../../src/config/reference/config-json-schema.ts';
import { createReload } from '../../src/process/reload-config.ts';
import { startTestGateway, TEST_KEY, type TestGateway } from '../start-test-gateway.ts';

const THINKING = [{ type: 'thinking', thinking: 'hm', signature: 's' }, { type: 'text', text: 'yes' }];
const ANSWER = JSON.stringify({
  id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-x', content: THINKING, stop_reason: 'end_turn', stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 }, processing_status: 'ended', results_url: 'https://api.anthropic.com/v1/messages/batches/b/results', data: [],
});
const CHAT = { model: 'claude-x', messages: [{ role: 'user', content: 'x' }] };

let upstream: ScriptedUpstream;

beforeAll(async () => {
  upstream = await startScriptedUpstream(async (connection) => {
    for (;;) {
      const request = await connection.nextRequest();
      if (request.body.includes('"stream":true')) {
        connection.send('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nd\r\nevent: ping\n\n\r\n');
        connection.reset();
        return;
      }
      connection.send(wholeResponse(200, ['content-type', 'application/json', 'x-of-upstream', 'yes'], ANSWER));
    }
  });
});
afterAll(() => upstream.close());

type Section = Readonly<Record<string, unknown>>;
interface Case {
  readonly path: string;
  readonly after: unknown;
  /** Shows the effect of the key. */
  readonly observe: (gateway: TestGateway) => Promise<unknown>;
  readonly expected: readonly [before: unknown, after: unknown];
  readonly document?: Readonly<Record<string, Section>>;
  /** What the log names. @defaultValue the path */
  readonly applied?: string;
  /** Makes the store of a gateway that has one. */
  readonly store?: () => SqlDatabase;
}

const raw = async (gateway: TestGateway, method: string, target: string, fields: readonly string[] = [], body = ''): Promise<Awaited<ReturnType<typeof sendRawRequest>>> =>
  sendRawRequest(gateway.port, [`${method} ${target} HTTP/1.1`, ...(fields.some((field) => field.startsWith('Host')) ? [] : ['Host: localhost']), ...fields, `Content-Length: ${body.length}`, '', body].join('\r\n'));
const status = (method: string, target: string, fields: readonly string[] = [], body = '') => async (gateway: TestGateway): Promise<number> => statusOf(await raw(gateway, method, target, fields, body));
const post = (gateway: TestGateway, path: string, body: object): Promise<Response> => fetch(gateway.origin + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const upstreamField = (name: string, fields: readonly string[] = []) => async (gateway: TestGateway): Promise<readonly string[]> => {
  await raw(gateway, 'GET', '/anthropic/v1/models', fields);
  return fieldValues(upstream.requests.at(-1)?.rawHeaders ?? [], name);
};

/** What the upstream gets for a request of the front door. */
const translated = async (gateway: TestGateway): Promise<{ readonly max_tokens: number; readonly temperature?: number }> => {
  await (await post(gateway, '/v1/chat/completions', { ...CHAT, temperature: 0.5 })).arrayBuffer();
  return JSON.parse(String(upstream.requests.at(-1)?.body));
};

/** The dollars that all requests so far were counted with, one more included. */
const costs = async (gateway: TestGateway): Promise<number> => {
  const count = gateway.logged.filter(({ msg }) => msg === 'request').length;
  await raw(gateway, 'POST', '/anthropic/v1/messages', ['Content-Type: application/json'], '{"model":"claude-x","max_tokens":1,"messages":[]}');
  await gateway.recorded(count + 1);
  return gateway.sum('penstock_cost_dollars_total{}');
};

const STORED: Section = { store: 'sqlite:/opened-by-the-test', on_failure: 'open' };
const budgetOf = (cents: number): object => ({ scope: { organization: true }, share: 'pooled', period: 'monthly', amount_cents: cents, warn_at: [0.75, 0.95], stop: true });
const budgets = (cents: number): Section => [budgetOf(cents)] as unknown as Section;
const memory = (): SqlDatabase => openSqliteDatabase(':memory:');
/** A store whose transactions all fail after those of the start. */
const failing = (): SqlDatabase => ({ run: () => Promise.reject(new Error('the store is away')), close: () => Promise.resolve() });
const message = async (gateway: TestGateway): Promise<Response> => post(gateway, '/anthropic/v1/messages', { model: 'claude-x', max_tokens: 1, messages: [] });

const CASES: readonly Case[] = [
  { path: 'server.allowed_hosts', after: ['localhost', 'gateway.example'], observe: status('GET', '/', ['Host: gateway.example']), expected: [421, 200] },
  { path: 'budgets', after: [budgetOf(0)], document: { state: STORED, budgets: budgets(1) }, store: memory, observe: async (gateway) => (await message(gateway)).status, expected: [200, 429] },
  {
    path: 'admin', applied: 'admin.blocked_message', after: { write_keys: [], read_keys: [], groups: [], blocked_message: 'Write to us.' }, document: { state: STORED, budgets: budgets(0) }, store: memory,
    observe: async (gateway) => (await (await message(gateway)).text()).includes('Write to us.'), expected: [false, true],
  },
  {
    path: 'state.on_failure', after: 'closed', document: { state: STORED, budgets: budgets(1) }, store: failing, expected: [200, 429],
    observe: async (gateway) => {
      await vi.waitUntil(() => gateway.conditions()['ledger'] !== undefined, { timeout: 60_000 });
      return (await message(gateway)).status;
    },
  },
  { path: 'server.cors_origins', after: ['https://app.example'], observe: status('GET', '/', ['Origin: https://app.example']), expected: [403, 200] },
  {
    path: 'server.trusted_proxies', after: ['127.0.0.1'], document: { clients: [{ name: 'a', key_sha256: 'a'.repeat(64) }] as unknown as Section }, expected: ['127.0.0.1', '203.0.113.9'],
    observe: async (gateway) => {
      const count = gateway.logged.length;
      await raw(gateway, 'GET', '/anthropic/v1/models', ['X-Forwarded-For: 203.0.113.9']);
      return gateway.logged.slice(count).find(({ msg }) => msg === 'credential refused')?.['client_address'];
    },
  },
  {
    // Nothing listens at the issuer: a token of it can be judged no longer by its name, nor yet by its keys.
    path: 'identity.issuers', applied: 'identity.issuers.idp', after: [{ name: 'idp', issuer: 'http://127.0.0.1:1', audience: ['a'], require: { owner: ['acme'] } }], expected: [401, 503],
    document: { clients: [{ name: 'a', key_sha256: 'a'.repeat(64) }] as unknown as Section },
    observe: status('GET', '/anthropic/v1/models', [`Authorization: Bearer ${[{ alg: 'RS256' }, { iss: 'http://127.0.0.1:1', aud: 'a', owner: 'acme', sub: 's', iat: Math.floor(Date.now() / 1_000), exp: 4_000_000_000 }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.AAAA`]),
  },
  { path: 'anthropic_native.version', after: '2024-01-01', observe: upstreamField('anthropic-version'), expected: [['2023-06-01'], ['2024-01-01']] },
  { path: 'anthropic_native.route_groups', after: ['agents'], observe: status('GET', '/anthropic/v1/agents'), expected: [404, 200] },
  { path: 'anthropic_native.allow_unknown_routes', after: true, observe: status('GET', '/anthropic/v1/tomorrow'), expected: [404, 200] },
  { path: 'anthropic_native.allow_request_headers', after: ['x-team'], observe: upstreamField('x-team', ['X-Team: blue']), expected: [[], ['blue']] },
  { path: 'anthropic_native.deny_response_headers', after: ['x-of-*'], observe: async (gateway) => (await fetch(`${gateway.anthropic}/v1/models`)).headers.get('x-of-upstream'), expected: ['yes', null] },
  { path: 'anthropic_native.max_buffered_bytes', after: 1_048_576, observe: (gateway) => gateway.series('penstock_buffered_bytes_limit{side="native"}'), expected: [268_435_456, 1_048_576] },
  {
    path: 'anthropic_native.rewrite_batch_results_url', after: true, expected: [false, true],
    observe: async (gateway) => ((await (await fetch(`${gateway.anthropic}/v1/messages/batches/b`)).json()) as { results_url: string }).results_url.startsWith(gateway.anthropic),
  },
  {
    path: 'anthropic_native.broken_streams', after: 'event', expected: [false, true],
    observe: async (gateway) => {
      const body = JSON.stringify({ model: 'm', max_tokens: 1, stream: true, messages: [] });
      return (await raw(gateway, 'POST', '/anthropic/v1/messages', ['Content-Type: application/json'], body)).bytes.includes('event: error');
    },
  },
  { path: 'anthropic_native.price_multiplier', after: '2', observe: costs, expected: [0.000_03, 0.000_09] },
  { path: 'prices', after: [{ model: 'claude-x', unit: 'usd_per_million_tokens', input: '1', output: '2' }], observe: costs, expected: [0.000_03, 0.000_033] },
  {
    path: 'anthropic_native.upstreams', applied: 'anthropic_native.upstreams.b', after: ['a', 'b'].map((name) => ({ name, base_url: 'http://127.0.0.1:1', credential: { api_key: 'k' } })),
    document: { anthropic_native: { upstreams: [{ name: 'a', base_url: 'http://127.0.0.1:1', credential: { api_key: 'k' } }] } },
    observe: (gateway) => Promise.resolve(gateway.upstreams()[1]?.name), expected: ['front_door_claude', 'b'],
  },
  {
    path: 'anthropic_native.routing', applied: 'anthropic_native.routing.stateful', after: { stateful: 'b' }, expected: ['a', 'b'],
    document: { anthropic_native: { upstreams: ['a', 'b'].map((name) => ({ name, base_url: 'http://127.0.0.1:1', credential: { api_key: 'k' } })) } },
    observe: async (gateway) => {
      await (await fetch(`${gateway.anthropic}/v1/models`)).arrayBuffer();
      const lines = await gateway.recorded(1);
      return lines.at(-1)?.['upstream'];
    },
  },
  { path: 'openai_front_door.max_buffered_bytes', after: 1_048_576, observe: (gateway) => gateway.series('penstock_buffered_bytes_limit{side="front_door"}'), expected: [268_435_456, 1_048_576] },
  { path: 'openai_front_door.reasoning_content', after: true, observe: async (gateway) => (await (await post(gateway, '/v1/chat/completions', CHAT)).text()).includes('reasoning_content'), expected: [false, true] },
  { path: 'openai_front_door.codex_instructions', after: 'You write code.', observe: async (gateway) => 'models' in (await (await fetch(`${gateway.origin}/v1/models?client_version=1`)).json() as object), expected: [false, true] },
  { path: 'openai_front_door.max_output_tokens', after: 77, observe: async (gateway) => (await translated(gateway)).max_tokens === 77, expected: [false, true] },
  { path: 'openai_front_door.model_capabilities', applied: 'openai_front_door.model_capabilities.claude-x', after: { 'claude-x': { rejects_sampling: false } }, observe: async (gateway) => (await translated(gateway)).temperature, expected: [undefined, 0.5] },
  {
    path: 'openai_front_door.json_object', after: 'reject', expected: [200, 400],
    observe: async (gateway) => {
      const response = await post(gateway, '/v1/chat/completions', { ...CHAT, response_format: { type: 'json_object' } });
      await response.arrayBuffer();
      return response.status;
    },
  },
];

function configOf(origin: string, document: Readonly<Record<string, Section>>): GatewayConfig {
  return gatewayConfigSchema.parse({ ...document, anthropic_native: { base_url: origin, api_key: TEST_KEY, ...document['anthropic_native'] }, server: { port: 0, ...document['server'] } });
}

describe('a reload applies', () => {
  test.each(CASES)('$path to requests that come after it', async ({ path, after, observe, expected, document = {}, applied = path, store }) => {
    const own = { ...document, openai_front_door: { backends: [{ name: 'claude', kind: 'anthropic', base_url: upstream.origin, api_key: 'k' }] } };
    await using gateway = await startTestGateway(upstream.origin, own, store === undefined ? {} : { database: store() });
    const [section = '', key = ''] = path.split('.');
    const changed = configOf(upstream.origin, { ...own, [section]: key === '' ? after as Section : { ...(own as Record<string, Section>)[section], [key]: after } });
    const logged: Record<string, unknown>[] = [];
    const reload = createReload({
      initial: configOf(upstream.origin, own), read: () => ({ config: changed, sourcePath: undefined, files: [], warnings: [], simulate: false }), apply: (config) => gateway.update(config),
      onResult: () => undefined, onFiles: () => undefined, logger: pino({ base: null }, { write: (line: string) => { logged.push(JSON.parse(line) as Record<string, unknown>); } }),
    });
    const before = await observe(gateway);
    reload();
    expect(logged).toMatchObject([{ msg: 'configuration reloaded', applied: [applied], restart_required: [] }]);
    expect([before, await observe(gateway)]).toEqual(expected);
  });
});

/** Reloadable paths without a case here. The list only gets shorter: a new path gets a case. */
const WITHOUT_CASE: readonly string[] = [
  'server.tls.cert', 'server.tls.key', 'anthropic_native.api_key', 'anthropic_native.timeout', 'anthropic_native.timeouts', 'anthropic_native.pool', 'anthropic_native.upstream_auth_errors', 'anthropic_native.keep_alive_comments',
  'clients', 'identity.sign_in.session_keys', 'policies', 'telemetry', 'limits.on_store_failure', 'log.level',
  'openai_front_door.later_system_messages', 'openai_front_door.keep_alive_comments', 'openai_front_door.route_groups', 'openai_front_door.models', 'openai_front_door.timeout', 'openai_front_door.timeouts', 'openai_front_door.pool',
];

test('every path that a reload applies has a case here, the listed ones aside (a key can be called reloadable and be read only once)', () => {
  const cases = new Set(CASES.map(({ path }) => path));
  expect(reloadablePaths().filter((path) => !cases.has(path))).toEqual(WITHOUT_CASE);
});

test('every path that a reload applies is one of the configuration, and the keys that open listeners or choose upstreams are none', () => {
  const root = configJsonSchema();
  const paths = reloadablePaths(root);
  expect(paths.filter((path) => schemaAt(root, path.split('.')) === undefined)).toEqual([]);
  expect(paths).toEqual(expect.arrayContaining(['clients', 'policies', 'identity.sign_in.session_keys', ...CASES.map(({ path }) => path)]));
  expect(paths.filter((path) => /^server\.(?:host|port|workers)|^operations|base_url|credentials|limits\.store$/.test(path))).toEqual([]);
});
