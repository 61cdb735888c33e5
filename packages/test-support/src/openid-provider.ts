import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Adapter, AdapterPayload, Configuration, JWK } from 'oidc-provider';

/** An account of the test provider. */
export interface ProviderAccount {
  readonly email?: string;
  readonly emailVerified?: boolean;
  readonly name?: string;
  readonly groups?: readonly string[];
}

/** A real OpenID provider on loopback whose accounts and failures a test chooses. */
export interface OpenIdProvider {
  readonly issuer: string;
  readonly accounts: Map<string, ProviderAccount>;
  /** Answers a request in the provider's place; `false` leaves it to the provider. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Sees the body of each answer of the token endpoint. */
  onTokens: (body: string) => void;
  /** Requests by path. */
  readonly asked: string[];
  /** The person that signs in at the provider's page. */
  person: string;
  close(): Promise<void>;
}

/** The gateway's registration at the provider. */
export const PROVIDER_CLIENT_ID = 'penstock-test';
export const PROVIDER_CLIENT_SECRET = 'the-secret-of-the-test-client';

/** Making one takes a tenth of a second. */
let firstKey: JWK | undefined;

/** Starts the provider; `redirectUri` is filled in when the gateway's address is known. */
export async function startOpenIdProvider(redirectUri: () => string, more: Partial<Configuration> = {}): Promise<OpenIdProvider> {
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  const server: Server = createServer((request, response) => {
    test.asked.push((request.url ?? '').split('?')[0] ?? '');
    if (!test.intercept(request, response)) handle(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const accounts = new Map<string, ProviderAccount>();
  const test: OpenIdProvider = {
    issuer, accounts, asked: [], person: 'alice', intercept: () => false, onTokens: () => undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  // Loaded with the first provider: most tests need none.
  const { default: Provider } = await import('oidc-provider');
  const provider = new Provider(issuer, {
    jwks: { keys: [firstKey ??= createSigningKey('first')] }, adapter: createMemoryAdapter(), cookies: { keys: ['a-cookie-key-of-a-test'] },
    ttl: { Interaction: 600, Session: 600, Grant: 86_400, AccessToken: 600, RefreshToken: 86_400, IdToken: 600, AuthorizationCode: 60 },
    clients: [{ client_id: PROVIDER_CLIENT_ID, client_secret: PROVIDER_CLIENT_SECRET, redirect_uris: [redirectUri()], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    async findAccount(_context, sub) {
      const account = accounts.get(sub);
      if (account === undefined) return undefined;
      const { email, emailVerified, name, groups } = account;
      return { accountId: sub, claims: async () => JSON.parse(JSON.stringify({ sub, email, email_verified: emailVerified, name, groups })) as { sub: string } };
    },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    ...more,
  });
  provider.on('grant.success', ({ body }) => { test.onTokens(JSON.stringify(body)); });
  const callback = provider.callback();
  // The person's part: signs in and consents without a question.
  handle = (request, response) => {
    if (request.url?.startsWith('/interaction/') !== true) {
      void callback(request, response);
      return;
    }
    void (async () => {
      const { prompt, session, params } = await provider.interactionDetails(request, response);
      if (prompt.name === 'login') {
        await provider.interactionFinished(request, response, { login: { accountId: test.person } });
        return;
      }
      const accountId = session?.accountId ?? '';
      const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) });
      grant.addOIDCScope('openid email profile offline_access');
      await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
    })().catch(() => response.destroy());
  };
  return test;
}

/** A key that signs ID tokens. */
export function createSigningKey(kid: string): JWK {
  return { ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' };
}

/** What the provider stores, for as long as it runs. */
function createMemoryAdapter(): (name: string) => Adapter {
  const stored = new Map<string, AdapterPayload>();
  return (name) => {
    const keyOf = (id: string): string => `${name}:${id}`;
    const find = (property: 'uid' | 'userCode', value: string): AdapterPayload | undefined => [...stored].find(([key, payload]) => key.startsWith(`${name}:`) && payload[property] === value)?.[1];
    return {
      upsert: async (id, payload) => void stored.set(keyOf(id), payload),
      find: async (id) => stored.get(keyOf(id)),
      findByUid: async (uid) => find('uid', uid),
      findByUserCode: async (userCode) => find('userCode', userCode),
      consume: async (id) => {
        const payload = stored.get(keyOf(id));
        if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000);
      },
      destroy: async (id) => void stored.delete(keyOf(id)),
      revokeByGrantId: async (grantId) => { for (const [key, payload] of stored) if (payload.grantId === grantId) stored.delete(key); },
    };
  };
}
