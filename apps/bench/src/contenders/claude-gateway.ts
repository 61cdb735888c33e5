import { createHmac } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROVIDER_CLIENT_ID, PROVIDER_CLIENT_SECRET, startOpenIdProvider, startPostgres, WHY_NO_POSTGRES } from '@penstock/test-support';
import type { Contender, ContenderEnvironment, RunningContender } from './contender.ts';
import { installClaudeCode } from './install-peers.ts';
import { freePort, startProgram } from './start-program.ts';

const JWT_SECRET = 'a-secret-of-this-benchmark-0123456789abcdef';
const TOKEN_LIFE_S = 86_000;

/** Anthropic's own gateway, which is part of Claude Code: for people who sign in, with PostgreSQL behind it. */
export const claudeGateway: Contender = {
  name: 'claude gateway',
  description: '@anthropic-ai/claude-code, its smallest configuration, with PostgreSQL and an OpenID provider; requests carry a token of its session',
  isPeer: true,
  async prepare() {
    if (WHY_NO_POSTGRES !== undefined) throw new Error(WHY_NO_POSTGRES);
    await installClaudeCode();
  },
  start: startClaudeGateway,
};

async function startClaudeGateway(environment: ContenderEnvironment): Promise<RunningContender> {
  const stack = new AsyncDisposableStack();
  try {
    const port = await freePort();
    const publicUrl = `http://127.0.0.1:${port}`;
    const provider = await startOpenIdProvider(() => `${publicUrl}/oauth/callback`);
    stack.defer(() => provider.close());
    const postgres = await startPostgres(stack);
    const config = join(environment.folder, 'gateway.yaml');
    writeFileSync(config, configOf(port, publicUrl, provider.issuer, environment.upstreamOrigin));
    const home = join(environment.folder, 'home');
    mkdirSync(home);
    const started = await startProgram([await installClaudeCode(), 'gateway', '--config', config], port, environment, {
      timeoutMs: 60_000,
      variables: {
        HOME: home, GATEWAY_POSTGRES_URL: postgres.url, GATEWAY_JWT_SECRET: JWT_SECRET, OIDC_CLIENT_SECRET: PROVIDER_CLIENT_SECRET, UP_KEY: 'sk-ant-api03-bench-upstream',
        DISABLE_TELEMETRY: '1', DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', CLAUDE_GATEWAY_ALLOW_LOOPBACK: '1',
      },
    });
    stack.defer(() => started.stop());
    const fields = ['authorization', `Bearer ${sessionToken(publicUrl)}`, 'x-api-key', ''];
    return { ...started, port, native: { path: '/v1/messages', fields }, chat: undefined, stop: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function configOf(port: number, publicUrl: string, issuer: string, upstreamOrigin: string): string {
  return `
listen: { host: 127.0.0.1, port: ${port}, public_url: "${publicUrl}" }
oidc: { issuer: "${issuer}", client_id: ${PROVIDER_CLIENT_ID}, client_secret: "\${OIDC_CLIENT_SECRET}", allowed_email_domains: [example.com] }
session: { jwt_secret: "\${GATEWAY_JWT_SECRET}", ttl_hours: 24 }
store: { postgres_url: "\${GATEWAY_POSTGRES_URL}" }
upstreams:
  - { provider: anthropic, base_url: "${upstreamOrigin}", auth: { api_key: "\${UP_KEY}" } }
auto_include_builtin_models: true
`;
}

/** A session as its token endpoint issues it, signed with the secret of its configuration. */
function sessionToken(issuer: string): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { sub: 'alice', email: 'alice@example.com', name: 'Alice', groups: [], aud: 'claude-gateway', iss: issuer, iat: now, exp: now + TOKEN_LIFE_S };
  const text = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${text}.${createHmac('sha256', JWT_SECRET).update(text).digest('base64url')}`;
}
