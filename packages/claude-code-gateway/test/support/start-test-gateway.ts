import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClaudeCodeGateway, createNodeListener, openSqliteDatabase, type AuditEvent, type CallerPolicy, type ClaudeCodeGateway, type ClaudeCodeGatewayOptions, type OidcProviderOptions, type SqlDatabase, type SqlRow } from '../../src/index.ts';
import { createPageBrowser, PROVIDER_CLIENT_ID, PROVIDER_CLIENT_SECRET, startOpenIdProvider, type OpenIdProvider } from '@penstock/test-support';

/** A gateway on a real socket in front of a real provider. */
export interface TestGateway {
  readonly base: string;
  readonly gateway: ClaudeCodeGateway;
  readonly provider: OpenIdProvider;
  readonly audited: AuditEvent[];
  readonly database: SqlDatabase;
  /** The gateway's registration at the provider. */
  readonly oidc: Omit<OidcProviderOptions, 'redirectUri'>;
  /** Moves the clocks of the gateway and of its database. Milliseconds. */
  advance(ms: number): void;
  /** By how much they were moved. Milliseconds. */
  readonly ahead: () => number;
  /** Policies by subject. */
  readonly policies: Map<string, CallerPolicy>;
  post(path: string, form: Readonly<Record<string, string>>, headers?: Readonly<Record<string, string>>): Promise<OauthAnswer>;
  get(path: string, bearer?: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** A whole sign-in in a browser of its own; the token response. */
  signIn(person?: string): Promise<Record<string, unknown>>;
}

/** An answer of an OAuth endpoint. */
export interface OauthAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Record<string, unknown>;
}

export const SESSION_KEY = 'a-session-key-of-a-test-0123456789abcdef';
export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
export const MOUNT = '/anthropic';

/** Starts both; what is started is closed with the stack. */
export async function startTestGateway(stack: AsyncDisposableStack, more: Partial<ClaudeCodeGatewayOptions> & { readonly oidc?: Record<string, unknown>; readonly providerOptions?: Record<string, unknown>; readonly intercept?: OpenIdProvider['intercept'] } = {}): Promise<TestGateway> {
  const { oidc: moreOidc = {}, providerOptions = {}, intercept, ...options } = more;
  let listener: Parameters<typeof createServer>[1] = (_request, response) => { response.end(); };
  const server = createServer((request, response) => { listener?.(request, response); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(async () => { server.closeAllConnections(); server.close(); await once(server, 'close'); });
  const publicUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = await startOpenIdProvider(() => `${publicUrl}${MOUNT}/oauth/callback`, providerOptions);
  stack.defer(() => provider.close());
  if (intercept !== undefined) provider.intercept = intercept;
  provider.accounts.set('alice', { email: 'alice@example.com', emailVerified: true, name: 'Alice', groups: ['engineers', 'all'] });
  const audited: AuditEvent[] = [];
  const policies = new Map<string, CallerPolicy>();
  let offsetMs = 0;
  const database = withMovedClock(options.database ?? openSqliteDatabase(':memory:'), () => offsetMs);
  const oidc: TestGateway['oidc'] = {
    issuer: provider.issuer, clientId: PROVIDER_CLIENT_ID, clientSecret: PROVIDER_CLIENT_SECRET, scopes: ['openid', 'profile', 'email', 'offline_access'],
    claims: { email: 'email', groups: 'groups' }, ...moreOidc,
  };
  const gateway = createClaudeCodeGateway({
    publicUrl, mount: MOUNT, sessionKeys: [SESSION_KEY], now: () => Date.now() + offsetMs, audit: (event) => { audited.push(event); },
    provider: oidc,
    ...options, database,
  });
  stack.defer(() => gateway.close());
  listener = createNodeListener({
    gateway, mount: MOUNT,
    async authenticate(bearer) {
      const claims = await gateway.verify(bearer);
      return claims === undefined ? undefined : { identity: claims, policy: policies.get(claims.subject) ?? {}, expiresAt: claims.expiresAt };
    },
  });
  const base = publicUrl + MOUNT;
  const post: TestGateway['post'] = async (path, form, headers = {}) => {
    const answer = await fetch(base + path, { method: 'POST', body: new URLSearchParams(form), headers, redirect: 'manual' });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, json: text === '' ? {} : JSON.parse(text) as Record<string, unknown> };
  };
  return {
    base, gateway, provider, audited, database, oidc, policies, post,
    advance: (ms) => { offsetMs += ms; },
    ahead: () => offsetMs,
    get: (path, bearer, headers = {}) => fetch(base + path, { headers: { ...headers, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) }, redirect: 'manual' }),
    async signIn(person = 'alice') {
      provider.person = person;
      const device = await post('/oauth/device_authorization', { surface: 'claude_code' }, { 'user-agent': 'claude-code/2.1.332' });
      const browser = createPageBrowser();
      const confirm = await browser.submit(await browser.open(String(device.json['verification_uri_complete'])));
      if (!confirm.url.endsWith('/device/confirm')) throw new Error(`the browser ended at ${confirm.url}: ${confirm.status} ${confirm.text}`);
      await browser.submit(confirm);
      const answer = await post('/oauth/token', { grant_type: DEVICE_GRANT, device_code: String(device.json['device_code']) });
      if (answer.status !== 200) throw new Error(`no token: ${JSON.stringify(answer.json)}`);
      return answer.json;
    },
  };
}

/** A database whose own clock is ahead: its rows' `clock` is later, and in milliseconds, as PostgreSQL prints it. */
export function withMovedClock(database: SqlDatabase, aheadMs: () => number): SqlDatabase {
  const move = (row: SqlRow): SqlRow => (row['clock'] === undefined ? row : { ...row, clock: new Date(Date.now() + aheadMs()).toISOString().replace('T', ' ').replace('Z', '+00') });
  return {
    run: async (statements) => (await database.run(statements)).map((rows) => rows.map(move)),
    close: () => database.close(),
  };
}
