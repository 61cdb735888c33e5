import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteDatabase } from '@penstock/claude-code-gateway';
import { freePort, PROVIDER_CLIENT_ID, PROVIDER_CLIENT_SECRET, startOpenIdProvider, type OpenIdProvider } from '@penstock/test-support';
import type { GatewayOptions } from '../../src/gateway-options.ts';
import { postForm, signInAt, type OauthAnswer, type Tokens } from './sign-in-at.ts';
import { startTestGateway, type ConfigDocument, type TestGateway } from '../start-test-gateway.ts';

/** A gateway at which people sign in, in front of a real OpenID provider. */
export interface SignInGateway extends TestGateway {
  readonly provider: OpenIdProvider;
  /** While true, every transaction of the store fails. */
  storeIsDown: boolean;
  /** The lines of the audit log so far. */
  audited(): readonly Readonly<Record<string, unknown>>[];
  /** The configuration of sign-in, to change and hand to `update`. */
  readonly document: ConfigDocument;
  post(path: string, form: Readonly<Record<string, string>>): Promise<OauthAnswer>;
  get(path: string, bearer?: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** A whole sign-in; the token response. */
  signIn(person?: string): Promise<Tokens>;
}

export const SESSION_KEY = 'a-session-key-of-a-test-0123456789abcdef';

/** Starts both; what is started is closed with the stack. */
export async function startSignInGateway(stack: AsyncDisposableStack, upstreamOrigin: string, more: ConfigDocument = {}, overrides: Partial<GatewayOptions> = {}): Promise<SignInGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-sign-in-'));
  stack.defer(() => { rmSync(folder, { recursive: true, force: true }); });
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const provider = await startOpenIdProvider(() => `${publicUrl}/anthropic/oauth/callback`);
  stack.defer(() => provider.close());
  provider.accounts.set('alice', { email: 'alice@example.com', emailVerified: true, name: 'Alice', groups: ['engineers', 'all'] });
  const auditFile = join(folder, 'audit.log');
  const document: ConfigDocument = {
    policies: [{ name: 'everyone', match: {} }],
    log: { audit: auditFile },
    ...more,
    server: { port, ...more['server'] as object | undefined },
    identity: {
      sign_in: { public_url: publicUrl, session_keys: [SESSION_KEY], oidc: { issuer: provider.issuer, client_id: PROVIDER_CLIENT_ID, client_secret: PROVIDER_CLIENT_SECRET }, ...more['sign_in'] as object | undefined },
    },
  };
  const { sign_in: _signIn, ...whole } = document as ConfigDocument & { readonly sign_in?: unknown };
  const database = overrides.database ?? openSqliteDatabase(':memory:');
  // The gateway reads its store while it starts.
  const store = { isDown: false };
  const gateway = await startTestGateway(upstreamOrigin, whole, {
    ...overrides,
    database: { run: (statements) => (store.isDown ? Promise.reject(new Error('the store of this test is down')) : database.run(statements)), close: () => database.close() },
  });
  stack.defer(() => gateway[Symbol.asyncDispose]());
  const post: SignInGateway['post'] = (path, form) => postForm(gateway.anthropic + path, form);
  return {
    ...gateway, provider, document: whole, post,
    get storeIsDown() { return store.isDown; },
    set storeIsDown(isDown) { store.isDown = isDown; },
    audited: () => readFileSync(auditFile, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>),
    get: (path, bearer, headers = {}) => fetch(gateway.anthropic + path, { redirect: 'manual', headers: { ...headers, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) } }),
    signIn: (person = 'alice') => signInAt(gateway.anthropic, provider, person),
  };
}
