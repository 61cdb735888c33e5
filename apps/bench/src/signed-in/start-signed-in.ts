import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPageBrowser, PROVIDER_CLIENT_ID, PROVIDER_CLIENT_SECRET, startOpenIdProvider } from '@penstock/test-support';
import type { ContenderEnvironment } from '../contenders/contender.ts';
import { freePort, startProgram } from '../contenders/start-program.ts';
import { ISSUED_AUDIENCE, startIssuer } from './start-issuer.ts';

/** The built gateway with a client, an issuer and a person who signed in. */
export interface SignedInGateway {
  readonly pid: number;
  readonly port: number;
  /** The bearers of one client and two persons. */
  readonly bearers: Readonly<Record<'key' | 'sign_in' | 'issuer', string>>;
  stop(): Promise<void>;
}

const KEY = 'pen_the-key-of-a-client-of-this-benchmark-0123456';
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Starts it as the other contenders are started; the person signs in through the provider's page, as people do. */
export async function startSignedIn({ folder, core, upstreamOrigin, nodeFlags }: ContenderEnvironment): Promise<SignedInGateway> {
  const stack = new AsyncDisposableStack();
  const [port, operationsPort] = [await freePort(), await freePort()];
  const publicUrl = `http://127.0.0.1:${port}`;
  const provider = await startOpenIdProvider(() => `${publicUrl}/anthropic/oauth/callback`);
  stack.defer(() => provider.close());
  provider.accounts.set('alice', { email: 'alice@example.com', emailVerified: true, name: 'Alice', groups: ['engineers'] });
  const issuer = await startIssuer(stack);
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({
    server: { port, max_connections: 12_000 }, operations: { port: operationsPort }, log: { destination: join(folder, 'access.log'), audit: join(folder, 'audit.log') },
    anthropic_native: { base_url: upstreamOrigin, api_key: 'sk-ant-api03-bench-upstream', pool: { max_connections: 12_000, max_keepalive_connections: 1_000, max_waiting: 1_000 } },
    clients: [{ name: 'build', key_sha256: createHash('sha256').update(KEY).digest('hex') }],
    identity: {
      issuers: [{ name: 'idp', issuer: issuer.url, audience: [ISSUED_AUDIENCE], require: { owner: ['acme'] }, claims: { email: 'email', groups: 'groups' } }],
      sign_in: { public_url: publicUrl, session_keys: ['a-session-key-of-this-benchmark-0123456789'], oidc: { issuer: provider.issuer, client_id: PROVIDER_CLIENT_ID, client_secret: PROVIDER_CLIENT_SECRET } },
    },
    policies: [{ name: 'everyone', match: {} }, { name: 'engineers', match: { groups: ['engineers'] } }], state: { store: `sqlite:${join(folder, 'state.db')}` },
  }));
  const main = fileURLToPath(new URL('../../../gateway/dist/main.js', import.meta.url));
  const started = await startProgram([process.execPath, ...nodeFlags, main, 'start', '--config', config], port, { folder, core });
  stack.defer(() => started.stop());
  const base = `${publicUrl}/anthropic`;
  return { pid: started.pid, port, bearers: { key: KEY, sign_in: await signIn(base), issuer: issuer.tokenOf('alice') }, stop: () => stack.disposeAsync() };
}

/** The access token of a whole sign-in. */
async function signIn(base: string): Promise<string> {
  const post = async (path: string, form: Readonly<Record<string, string>>): Promise<Readonly<Record<string, unknown>>> => {
    const answer = await fetch(base + path, { method: 'POST', body: new URLSearchParams(form) });
    return await answer.json() as Record<string, unknown>;
  };
  const device = await post('/oauth/device_authorization', { surface: 'claude_code' });
  const browser = createPageBrowser();
  await browser.submit(await browser.submit(await browser.open(String(device['verification_uri_complete']))));
  const { access_token: token } = await post('/oauth/token', { grant_type: DEVICE_GRANT, device_code: String(device['device_code']) });
  if (typeof token !== 'string') throw new Error('the person of this benchmark could not sign in');
  return token;
}
