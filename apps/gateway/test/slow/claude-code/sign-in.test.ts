import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../../src/config/gateway-config.ts';
import { startSignInGateway, type SignInGateway } from '../../sign-in/signed-in-gateway.ts';
import { message, text } from '../clients/api-answers.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { startScriptedApi, type ScriptedApi } from '../clients/scripted-api.ts';
import { answerRefreshes } from './answer-refreshes.ts';
import { CLAUDE_CODE_VERSION, findClaudeCode } from './claude-code-binary.ts';
import { seedSignedInClient, type SignedInClient } from './signed-in-client.ts';

const { program, client: installed } = findClaudeCode();
printSkipped('Claude Code signed in at the gateway', installed);

/** The client refreshes with less than 5 minutes left. */
const SOON_MS = 200_000;
const LATER_MS = 3_600_000;

interface Stage {
  readonly api: ScriptedApi;
  readonly gateway: SignInGateway;
  readonly client: SignedInClient;
  /** Changes the configuration as a reload does. */
  readonly reload: (changes: Readonly<Record<string, unknown>>) => void;
}

async function setStage(stack: AsyncDisposableStack, { leftMs = LATER_MS, config = {} }: { readonly leftMs?: number; readonly config?: Readonly<Record<string, unknown>> } = {}): Promise<Stage> {
  const api = stack.use(await startScriptedApi({ messages: [message([text('Hello from upstream.')])] }));
  const gateway = await startSignInGateway(stack, api.origin, config);
  const { accessToken, refreshToken } = await gateway.signIn();
  const client = seedSignedInClient(stack, program, gateway.anthropic, { accessToken, refreshToken, expiresAt: Date.now() + leftMs });
  return {
    api, gateway, client,
    reload: (changes) => {
      const { document } = gateway;
      gateway.update(gatewayConfigSchema.parse({ ...document, anthropic_native: { base_url: api.origin, api_key: 'sk-ant-api03-test-key-of-the-gateway' }, ...changes }));
    },
  };
}

const acts = (gateway: SignInGateway): readonly string[] => gateway.audited().map(({ event, result, reason }) => [event, result, ...(reason === undefined ? [] : [reason])].join(' '));

describe.skipIf('missing' in installed)(`Claude Code ${CLAUDE_CODE_VERSION}, signed in at the gateway`, () => {
  test('a prompt: is answered, with the settings of the person\'s policy', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client, api } = await setStage(stack, { config: { policies: [{ name: 'everyone', match: {}, settings: { cleanupPeriodDays: 11 } }] } });
    expect(await client.run()).toEqual({ exit: 0, printed: 'Hello from upstream.' });
    expect(api.seen().length).toBeGreaterThanOrEqual(1);
    expect(JSON.stringify(client.settings())).toContain('"cleanupPeriodDays":11');
    await expect.poll(() => acts(gateway).at(-1)).toBe('settings.serve ok status_200');
  });

  test('a prompt without settings: a policy that has none is no error', async () => {
    await using stack = new AsyncDisposableStack();
    const { client } = await setStage(stack);
    expect(await client.run()).toEqual({ exit: 0, printed: 'Hello from upstream.' });
  });

  test('changed settings: the next start has them, and an unchanged document is a 304', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client, reload } = await setStage(stack, { config: { policies: [{ name: 'everyone', match: {}, settings: { cleanupPeriodDays: 11 } }] } });
    await client.run();
    await client.run();
    await expect.poll(() => acts(gateway).at(-1)).toBe('settings.serve ok status_304');
    reload({ policies: [{ name: 'everyone', match: {}, settings: { cleanupPeriodDays: 12 } }] });
    expect((await client.run()).exit).toBe(0);
    expect(JSON.stringify(client.settings())).toContain('"cleanupPeriodDays":12');
  });

  test('a token that ends in less than 5 minutes: is refreshed, and the provider is asked', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client } = await setStage(stack, { leftMs: SOON_MS });
    const before = client.stored();
    expect(await client.run()).toEqual({ exit: 0, printed: 'Hello from upstream.' });
    const after = client.stored();
    expect(after?.refreshToken).not.toBe(before?.refreshToken);
    expect((after?.expiresAt ?? 0) - Date.now()).toBeGreaterThan(SOON_MS);
    await expect.poll(() => acts(gateway)).toContain('session.refresh ok');
  });

  test('two processes that refresh at once: both are answered, and what is stored stays good', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client } = await setStage(stack, { leftMs: SOON_MS });
    const runs = await Promise.all([client.run(), client.run(), client.run()]);
    expect(runs.map(({ exit, printed }) => [exit, printed])).toEqual(runs.map(() => [0, 'Hello from upstream.']));
    const stored = client.stored();
    expect((await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: stored?.refreshToken ?? '' })).status).toBe(200);
    expect(acts(gateway).filter((act) => act.startsWith('session.refresh') && !act.endsWith('ok'))).toEqual([]);
  });

  test('a person who left the company: the refresh ends the session, and the client asks to sign in again', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client } = await setStage(stack, { leftMs: SOON_MS });
    gateway.provider.accounts.delete('alice');
    const { exit, printed } = await client.run();
    expect(exit).toBe(1);
    expect(printed).toMatch(/sign|log ?in/i);
    await expect.poll(() => acts(gateway)).toContain('session.revoke ok invalid_grant');
    expect(client.stored()?.refreshToken).toBeUndefined();
  });

  test.each([
    ['is down (500)', 500],
    ['asks for patience (429)', 429],
    ['does not know this gateway any more (invalid_client)', 401],
  ] as const)('a provider that %s: the session goes on, and a later refresh succeeds', async (_name, status) => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client } = await setStage(stack, { leftMs: SOON_MS });
    const before = client.stored();
    gateway.provider.intercept = (request, response) => {
      if (request.url !== '/token') return false;
      response.writeHead(status, { 'content-type': 'application/json' }).end(status === 401 ? '{"error":"invalid_client"}' : '{}');
      return true;
    };
    expect(await client.run()).toEqual({ exit: 0, printed: 'Hello from upstream.' });
    expect(client.stored()).toEqual(before);
    gateway.provider.intercept = () => false;
    expect((await client.run()).exit).toBe(0);
    expect(client.stored()?.refreshToken).not.toBe(before?.refreshToken);
  });

  test('a provider that does not answer: the session goes on (slowness is no refusal)', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client } = await setStage(stack, { leftMs: SOON_MS });
    const before = client.stored();
    gateway.provider.intercept = (request) => request.url === '/token';
    expect(await client.run()).toEqual({ exit: 0, printed: 'Hello from upstream.' });
    expect(client.stored()).toEqual(before);
    // Fetching the settings and asking the model may each have tried.
    await expect.poll(() => new Set(acts(gateway).filter((act) => act.startsWith('session.refresh'))), { timeout: 30_000 }).toEqual(new Set(['session.refresh unavailable provider_timeout']));
  });

  test('a provider that takes 4 seconds: is waited for, and the session is refreshed (the peer of this contract gives up after 3.5)', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client } = await setStage(stack, { leftMs: SOON_MS });
    const before = client.stored();
    await answerRefreshes(gateway, 4_000);
    expect(await client.run()).toEqual({ exit: 0, printed: 'Hello from upstream.' });
    // A client that did not wait for the answer gets the same successor with its next start.
    expect((await client.run()).exit).toBe(0);
    expect(client.stored()?.refreshToken).not.toBe(before?.refreshToken);
    await expect.poll(() => acts(gateway)).toContain('session.refresh ok');
  });

  test('a provider that rotated its signing keys: the refresh knows the new one at once', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client } = await setStage(stack, { leftMs: SOON_MS });
    const before = client.stored();
    await answerRefreshes(gateway, 0);
    expect(await client.run()).toEqual({ exit: 0, printed: 'Hello from upstream.' });
    expect(client.stored()?.refreshToken).not.toBe(before?.refreshToken);
    await expect.poll(() => acts(gateway)).toContain('session.refresh ok');
    expect(gateway.provider.asked.filter((path) => path === '/jwks').length).toBeGreaterThan(1);
  });

  test('a person who changed groups: the next refresh brings the settings of the other policy', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client } = await setStage(stack, {
      leftMs: SOON_MS,
      config: { policies: [{ name: 'engineers', match: { groups: ['engineers'] }, settings: { cleanupPeriodDays: 11 } }, { name: 'sales', match: { groups: ['sales'] }, settings: { cleanupPeriodDays: 13 } }] },
    });
    gateway.provider.accounts.set('alice', { email: 'alice@example.com', emailVerified: true, groups: ['sales'] });
    expect((await client.run()).exit).toBe(0);
    // The settings are fetched beside the refresh, with either token.
    expect((await client.run()).exit).toBe(0);
    expect(JSON.stringify(client.settings())).toContain('"cleanupPeriodDays":13');
  });

  test('a store that is down: the session goes on, and nothing is lost', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client } = await setStage(stack, { leftMs: SOON_MS });
    const before = client.stored();
    gateway.storeIsDown = true;
    expect(await client.run()).toEqual({ exit: 0, printed: 'Hello from upstream.' });
    expect(client.stored()).toEqual(before);
    gateway.storeIsDown = false;
    expect((await client.run()).exit).toBe(0);
    expect(client.stored()?.refreshToken).not.toBe(before?.refreshToken);
  });

  test('a person without a policy: the client stops, and does not ask to sign in again', async () => {
    await using stack = new AsyncDisposableStack();
    const { client, api } = await setStage(stack, { config: { policies: [{ name: 'sales', match: { groups: ['sales'] } }] } });
    const { exit, printed } = await client.run();
    expect(exit).toBe(1);
    expect(printed).toMatch(/refused|not (?:be )?enabled|administrator/i);
    expect(api.seen()).toEqual([]);
    expect(client.stored()).toBeDefined();
  });

  test('sign-out: ends the session at the gateway', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client } = await setStage(stack);
    const before = client.stored();
    expect((await client.run(['auth', 'logout'])).exit).toBe(0);
    expect(client.stored()).toBeUndefined();
    expect((await gateway.get('/managed/settings', before?.accessToken)).status).toBe(401);
    await expect.poll(() => acts(gateway)).toContain('session.revoke ok sign_out');
  });

  test('a session that was ended elsewhere: the client stops at once with a sentence to act on', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client, api } = await setStage(stack);
    await gateway.post('/oauth/revoke', { token: client.stored()?.accessToken ?? '' });
    const { exit, printed } = await client.run();
    expect(exit).toBe(1);
    expect(printed).toMatch(/no longer accepts|sign in|log ?in/i);
    expect(api.seen()).toEqual([]);
    expect(await gateway.sum('penstock_requests_total{status="401"}')).toBe(1);
  });

  test('telemetry: the settings switch it on, and what the client reports of the person arrives at the collector', async () => {
    await using stack = new AsyncDisposableStack();
    const received: { readonly path: string; readonly type: string | undefined; readonly text: string; readonly hasBearer: boolean }[] = [];
    const collector = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => { chunks.push(chunk); });
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const decoded = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
        received.push({ path: request.url ?? '', type: request.headers['content-type'], text: decoded.toString('latin1'), hasBearer: request.headers.authorization !== undefined });
        response.writeHead(200).end();
      });
    });
    collector.listen(0, '127.0.0.1');
    await once(collector, 'listening');
    stack.defer(() => { collector.closeAllConnections(); collector.close(); });
    const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    const { client } = await setStage(stack, { config: { telemetry: { forward_to: [{ url, signals: ['metrics', 'logs'] }], resource_attributes: { team: 'platform' } } } });
    expect((await client.run(['-p', 'Say hello.'], { DISABLE_TELEMETRY: '', OTEL_METRIC_EXPORT_INTERVAL: '500', OTEL_LOGS_EXPORT_INTERVAL: '500' })).exit).toBe(0);
    await expect.poll(() => [...new Set(received.map(({ path }) => path))].toSorted()).toEqual(['/v1/logs', '/v1/metrics']);
    expect(received.every(({ type, hasBearer }) => type === 'application/x-protobuf' && !hasBearer)).toBe(true);
    for (const batch of received) for (const attribute of ['alice@example.com', 'platform']) expect(batch.text).toContain(attribute);
  });

  test('rotated session keys: the old token is good while its key is listed, and refused once it is not', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, client, reload } = await setStage(stack);
    const { identity } = gateway.document as { readonly identity: { readonly sign_in: Readonly<Record<string, unknown>> } };
    const [first] = identity.sign_in['session_keys'] as readonly string[];
    const withKeys = (keys: readonly (string | undefined)[]): void => { reload({ identity: { sign_in: { ...identity.sign_in, session_keys: keys } } }); };
    withKeys(['another-key-of-a-test-0123456789abcdefgh', first]);
    expect((await client.run()).exit).toBe(0);
    withKeys(['another-key-of-a-test-0123456789abcdefgh']);
    expect((await client.run()).exit).toBe(1);
  });
});
