import { freePort, PROVIDER_CLIENT_ID, PROVIDER_CLIENT_SECRET, startOpenIdProvider, type OpenIdProvider } from '@penstock/test-support';
import { runPenstock, type PenstockProcess, type RunPenstock } from '../run-penstock.ts';

/** Processes of the product at which people sign in, all under one public URL. */
export interface SignInProcesses {
  readonly provider: OpenIdProvider;
  /** Starts one more process; its base URL and the process. The first one has the public URL. */
  start(more?: Readonly<Record<string, Readonly<Record<string, unknown>>>>, run?: Pick<RunPenstock, 'flags' | 'environment'>): Promise<{ readonly base: string; readonly penstock: PenstockProcess }>;
}

/** Prepares the provider and the public URL. */
export async function prepareSignIn(stack: AsyncDisposableStack, state: Readonly<Record<string, unknown>>): Promise<SignInProcesses> {
  const firstPort = await freePort();
  const publicUrl = `http://127.0.0.1:${firstPort}`;
  const provider = await startOpenIdProvider(() => `${publicUrl}/anthropic/oauth/callback`);
  stack.defer(() => provider.close());
  provider.accounts.set('alice', { email: 'alice@example.com', emailVerified: true, groups: ['engineers'] });
  let started = 0;
  return {
    provider,
    async start({ server = {}, ...more } = {}, run = {}) {
      const port = started === 0 ? firstPort : await freePort();
      started += 1;
      const oidc = { issuer: provider.issuer, client_id: PROVIDER_CLIENT_ID, client_secret: PROVIDER_CLIENT_SECRET };
      const penstock = stack.use(await runPenstock({
        ...run,
        document: {
          policies: [{ name: 'everyone', match: {} }], state, server: { port, ...server },
          identity: { sign_in: { public_url: publicUrl, session_keys: ['a-session-key-of-a-test-0123456789abcdef'], oidc } }, ...more,
        },
      }));
      return { base: `http://127.0.0.1:${port}/anthropic`, penstock };
    },
  };
}
