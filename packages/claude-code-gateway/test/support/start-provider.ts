import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type Configuration } from 'oidc-provider';

/** An account of the test provider. */
export interface TestAccount {
  readonly email?: string;
  readonly emailVerified?: boolean;
  readonly name?: string;
  readonly groups?: readonly string[];
}

/** A real OpenID provider on loopback whose accounts and failures a test chooses. */
export interface TestProvider {
  readonly issuer: string;
  readonly accounts: Map<string, TestAccount>;
  /** Answers a request in the provider's place; `false` leaves it to the provider. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Requests by path. */
  readonly asked: string[];
  /** The person that signs in at the provider's page. */
  person: string;
  close(): Promise<void>;
}

export const CLIENT_ID = 'penstock-test';
export const CLIENT_SECRET = 'the-secret-of-the-test-client';

/** Starts the provider; `redirectUri` is filled in when the gateway's address is known. */
export async function startProvider(redirectUri: () => string, more: Partial<Configuration> = {}): Promise<TestProvider> {
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  const server: Server = createServer((request, response) => {
    test.asked.push((request.url ?? '').split('?')[0] ?? '');
    if (!test.intercept(request, response)) handle(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const accounts = new Map<string, TestAccount>();
  const test: TestProvider = {
    issuer, accounts, asked: [], person: 'alice', intercept: () => false,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  const provider = new Provider(issuer, {
    clients: [{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: [redirectUri()], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }],
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
