import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runPenstock, type PenstockProcess } from '../run-penstock.ts';

/** What is loaded only by whom asks for it, and one file of each that would be loaded with it. */
const ON_DEMAND = {
  ioredis: '/node_modules/ioredis/', 'rate-limiter-flexible': '/node_modules/rate-limiter-flexible/', 'pino-pretty': '/node_modules/pino-pretty/',
  'anthropic-simulator': '/packages/anthropic-simulator/', demo: '/apps/gateway/src/demo/', 'live page': '/apps/gateway/src/process/operations/', undici: '/undici/lib/web/',
  'claude-code-gateway': '/packages/claude-code-gateway/', 'openid-client': '/node_modules/openid-client/', pg: '/node_modules/pg/', 'sign-in': '/apps/gateway/src/sign-in/', ledger: '/apps/gateway/src/ledger/', clouds: '/apps/gateway/src/clouds/',
  'upstream-group': '/packages/upstream-group/',
} as const;

/** The parts above that a run of the gateway loaded. */
async function loadedBy(run: NonNullable<Parameters<typeof runPenstock>[0]>, use: (penstock: PenstockProcess) => Promise<unknown> = () => Promise.resolve()): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-loaded-'));
  try {
    const penstock = await runPenstock({ ...run, environment: { NODE_V8_COVERAGE: folder } });
    await use(penstock);
    penstock.child.kill('SIGTERM');
    expect(await penstock.exited).toBe(0);
    const text = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
    expect(text).toContain('/apps/gateway/src/create-gateway.ts');
    return Object.entries(ON_DEMAND).filter(([, path]) => text.includes(path)).map(([name]) => name);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const UPSTREAM = { anthropic_native: { base_url: 'http://127.0.0.1:1', api_key: 'sk-ant-api03-unused' } };

test('a gateway loads nothing that its configuration does not ask for (each process would hold it for months)', async () => {
  expect(await loadedBy({ document: UPSTREAM, flags: [] })).toEqual([]);
});

test('the copy of undici inside Node: is loaded by no process of a gateway (an import of `node:http` would load it)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-loaded-'));
  const file = join(folder, 'lists.txt');
  const note = `import { appendFileSync } from 'node:fs'; process.on('exit', () => appendFileSync(${JSON.stringify(file)}, process.moduleLoadList.join(' ') + '\\n'));`;
  try {
    const penstock = await runPenstock({
      document: { ...UPSTREAM, server: { workers: 2 } }, flags: [], environment: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(note)}` },
    });
    penstock.child.kill('SIGTERM');
    expect(await penstock.exited).toBe(0);
    const lists = readFileSync(file, 'utf8').trim().split('\n').map((list) => list.split(' '));
    expect(lists.map((list) => list.includes('http'))).toEqual([true, true, true]);
    expect(lists.flatMap((list) => list.filter((name) => name.startsWith('internal/deps/undici')))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the live page: is loaded with the first request for it, not by metrics and probes', async () => {
  const read = (path: string) => async ({ operations }: PenstockProcess): Promise<void> => { await (await fetch(`${operations}${path}`)).arrayBuffer(); };
  expect(await loadedBy({ document: UPSTREAM, flags: [] }, read('/metrics'))).toEqual([]);
  expect(await loadedBy({ document: UPSTREAM, flags: [] }, read('/status.json'))).toEqual(['live page']);
});

test('what chooses between upstreams: is loaded where they are listed', async () => {
  const upstreams = [{ name: 'a', base_url: 'http://127.0.0.1:1', credential: { api_key: 'sk-ant-api03-unused' } }];
  expect(await loadedBy({ document: { anthropic_native: { upstreams } }, flags: [] })).toEqual(['upstream-group']);
});

test('sign-in: is loaded when the configuration needs it, and without PostgreSQL what speaks to a file', async () => {
  const document = {
    ...UPSTREAM, policies: [{ name: 'everyone', match: {} }],
    identity: { sign_in: { public_url: 'http://127.0.0.1:8000', session_keys: ['a-session-key-of-a-test-0123456789abcdef'], oidc: { issuer: 'http://127.0.0.1:1', client_id: 'a' } } },
  };
  // The package's requests to the provider are made with undici's fetch.
  expect(await loadedBy({ document, flags: [] })).toEqual(['undici', 'claude-code-gateway', 'openid-client', 'sign-in', 'ledger']);
});

test('the ledger: is loaded when there is a store, without PostgreSQL where it is a file, and without what speaks OpenID Connect', async () => {
  expect(await loadedBy({ document: { ...UPSTREAM, state: { store: 'sqlite:ledger.db' } }, flags: [] })).toEqual(['claude-code-gateway', 'ledger']);
});

test('the simulator: is loaded when the configuration needs it', async () => {
  expect(await loadedBy({ flags: ['--simulate'] })).toEqual(['anthropic-simulator']);
});
