import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { mergeSettings, settingsChecksum } from '../src/index.ts';
import { startTestGateway, type TestGateway } from './support/start-test-gateway.ts';

const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

async function signedIn(stack: AsyncDisposableStack, more: Parameters<typeof startTestGateway>[1] = {}): Promise<{ readonly gateway: TestGateway; readonly bearer: string }> {
  const gateway = await startTestGateway(stack, more);
  return { gateway, bearer: String((await gateway.signIn())['access_token']) };
}

describe('managed settings', () => {
  test('the checksum: is that of the keys sorted at every level, without white space (the client computes it itself)', () => {
    expect(settingsChecksum({ b: [{ d: 1, c: 'é' }], a: {} })).toBe(sha256('{"a":{},"b":[{"c":"é","d":1}]}'));
    expect(settingsChecksum({})).toBe('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
  });

  test('settings: come with uuid, checksum and ETag, and are a 304 to a client that has them', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, bearer } = await signedIn(stack);
    gateway.policies.set('alice', { settings: { b: 1, a: { d: [], c: null } } });
    const answer = await gateway.get('/managed/settings', bearer);
    const checksum = sha256('{"a":{"c":null,"d":[]},"b":1}');
    expect([answer.status, answer.headers.get('etag'), await answer.json()]).toEqual([200, `"${checksum}"`, { uuid: checksum, checksum, settings: { b: 1, a: { d: [], c: null } } }]);
    const same = await gateway.get('/managed/settings', bearer, { 'if-none-match': `"${checksum}"` });
    expect([same.status, same.headers.get('etag'), await same.text()]).toEqual([304, `"${checksum}"`, '']);
    for (const other of ['*', '"sha256:00"', checksum]) expect((await gateway.get('/managed/settings', bearer, { 'if-none-match': other })).status).toBe(200);
  });

  test('settings: 404 means that there are none, an empty document is one, and an unasked 304 never comes', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, bearer } = await signedIn(stack);
    expect((await gateway.get('/managed/settings', bearer, { 'if-none-match': '"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"' })).status).toBe(404);
    // Claude Desktop asks with `*`, and starts without a warning if a 404 has both fields.
    const { status, headers } = await gateway.get('/managed/settings', bearer, { 'if-none-match': '*' });
    expect([status, headers.has('x-cc-gateway-version'), headers.get('cache-control')]).toEqual([404, true, 'no-store']);
    gateway.policies.set('alice', { settings: {} });
    expect(await (await gateway.get('/managed/settings', bearer)).json()).toMatchObject({ settings: {} });
  });

  test('settings: are for a bearer alone, whose refusal is not to be tried again', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, bearer } = await signedIn(stack);
    for (const headers of [{}, { 'x-api-key': bearer }, { authorization: bearer }, { authorization: `Basic ${bearer}` }, { cookie: `token=${bearer}` }]) {
      const refused = await gateway.get('/managed/settings', undefined, headers);
      expect([refused.status, refused.headers.get('x-should-retry'), (await refused.json() as { type: string }).type]).toEqual([401, 'false', 'error']);
    }
  });

  test('settings: with collectors the client sends its telemetry here, and what the policy sets itself stays', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, bearer } = await signedIn(stack, {
      telemetry: { targets: [{ url: 'http://127.0.0.1:9', signals: ['metrics', 'logs'] }], resourceAttributes: { team: 'a b' } },
    });
    gateway.policies.set('alice', { settings: { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://own.example', A: '1' } } });
    expect((await (await gateway.get('/managed/settings', bearer)).json() as { settings: unknown }).settings).toEqual({
      env: {
        CLAUDE_CODE_ENABLE_TELEMETRY: '1', OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp', OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'https://own.example',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_RESOURCE_ATTRIBUTES: 'team=a%20b', A: '1',
      },
    });
    gateway.policies.delete('alice');
    expect((await (await gateway.get('/managed/settings', bearer)).json() as { settings: { env: Record<string, string> } }).settings.env['OTEL_EXPORTER_OTLP_ENDPOINT']).toBe(gateway.base);
  });

  test('a policy over the base: what forbids is united, env and overrides are merged by name, the rest is replaced', () => {
    const hook = (command: string) => ({ hooks: [{ type: 'command', command }] });
    expect(mergeSettings(
      { model: 'a', env: { A: '1', B: '1' }, permissions: { allow: ['x'], deny: ['Bash'], defaultMode: 'plan' }, deniedMcpServers: [{ serverName: 'a' }], hooks: { Stop: [hook('one')] }, availableModels: ['a'] },
      { model: 'b', env: { B: '2' }, permissions: { allow: ['y'], deny: ['Bash', 'WebFetch'], ask: ['Edit'] }, deniedMcpServers: [{ serverName: 'b' }], hooks: { Stop: [hook('two')], Start: [hook('three')] }, availableModels: ['b'] },
    )).toEqual({
      model: 'b', env: { A: '1', B: '2' }, permissions: { allow: ['y'], deny: ['Bash', 'WebFetch'], ask: ['Edit'], defaultMode: 'plan' }, deniedMcpServers: [{ serverName: 'a' }, { serverName: 'b' }],
      hooks: { Stop: [hook('one'), hook('two')], Start: [hook('three')] }, availableModels: ['b'],
    });
    expect([mergeSettings(undefined, undefined), mergeSettings({ a: 1 }, undefined), mergeSettings(undefined, { b: 1 })]).toEqual([undefined, { a: 1 }, { b: 1 }]);
  });
});

describe('Claude Desktop', () => {
  test('the bootstrap: is 404 without a desktop member, and else has gateway, models, tools, hosts, telemetry and the policy\'s own members', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, bearer } = await signedIn(stack, { telemetry: { targets: [{ url: 'http://127.0.0.1:9' }], resourceAttributes: { team: 'a' } } });
    expect((await gateway.get('/user/bootstrap', bearer)).status).toBe(404);
    gateway.policies.set('alice', {
      desktop: { title: 'Acme' },
      settings: { availableModels: ['claude-x'], permissions: { deny: ['WebSearch', 'Bash(rm:*)'] }, sandbox: { network: { allowedDomains: ['a.example'] } } },
    });
    const answer = await gateway.get('/user/bootstrap', bearer);
    const { expiresAt, ...rest } = await answer.json() as Record<string, unknown>;
    expect([answer.status, answer.headers.get('x-gateway-spend-admin')]).toEqual([200, 'false']);
    expect(rest).toEqual({
      inferenceProvider: 'gateway', inferenceGatewayBaseUrl: gateway.base, inferenceCredentialKind: 'interactive', inferenceModels: [{ name: 'claude-x' }],
      disabledBuiltinTools: ['WebSearch'], coworkEgressAllowedHosts: ['a.example'], otlpEndpoint: gateway.base, otlpProtocol: 'http/protobuf',
      otlpResourceAttributes: { team: 'a', 'enduser.id': 'alice@example.com', 'enduser.sub': 'alice', 'user.email': 'alice@example.com', 'user.groups': 'engineers,all' }, title: 'Acme',
    });
    expect(Number(expiresAt)).toBe((await gateway.gateway.verify(bearer))?.expiresAt);
  });
});
