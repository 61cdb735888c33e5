import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWK, type JWTPayload } from 'jose';
import { Provider } from 'oidc-provider';

/** The audience of tokens for the gateway under test. */
export const AUDIENCE = 'https://gateway.example';

/** A signing key pair with its public part as providers publish it. */
export interface SigningKey {
  readonly privateKey: CryptoKey;
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
  readonly algorithm: string;
}

/** Makes a signing key. */
export async function createSigningKey(kid: string, algorithm = 'RS256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const common = { kid, alg: algorithm, use: 'sig' };
  return { privateKey, algorithm, privateJwk: { ...await exportJWK(privateKey), ...common }, publicJwk: { ...await exportJWK(publicKey), ...common } };
}

/** A real OpenID provider on loopback. */
export interface OpenIdProvider {
  readonly issuer: string;
  /** Requests so far, by their path. */
  readonly requested: readonly string[];
  /** An access token as the provider issues it, by the grant of client credentials, with claims added. */
  issue(claims?: Readonly<Record<string, unknown>>, audience?: string): Promise<string>;
  /** From now on it signs with another key, and publishes these. */
  rotate(keys: readonly SigningKey[]): void;
  /** What answers in its place; `undefined` for itself. */
  answerWith(listener: RequestListener | undefined): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a provider whose client `robot` may ask for JWT access tokens. */
export async function startOpenIdProvider(first: readonly SigningKey[]): Promise<OpenIdProvider> {
  const requested: string[] = [];
  let added: Readonly<Record<string, unknown>> = {};
  let inPlace: RequestListener | undefined;
  let own: RequestListener = () => undefined;
  const server = createServer((request, response) => {
    requested.push(request.url ?? '');
    (inPlace ?? own)(request, response);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  function rotate(keys: readonly SigningKey[]): void {
    const provider = new Provider(issuer, {
      clients: [{ client_id: 'robot', client_secret: 'robot-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }],
      jwks: { keys: keys.map(({ privateJwk }) => privateJwk) as never },
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_context, resource) => ({ scope: 'use', audience: resource, accessTokenTTL: 600, accessTokenFormat: 'jwt', jwt: { sign: { alg: keys[0]?.algorithm as 'RS256' } } }),
        },
      },
      extraTokenClaims: () => ({ ...added }),
    });
    const handle = provider.callback();
    own = (request, response) => { void handle(request, response); };
  }
  rotate(first);

  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => { server.close(() => resolve()); });
  };
  return {
    issuer, requested, rotate, close,
    answerWith: (listener) => { inPlace = listener; },
    async issue(claims = {}, audience = AUDIENCE) {
      added = claims;
      const answer = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${Buffer.from('robot:robot-secret').toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'use', resource: audience }),
      });
      if (answer.status !== 200) throw new Error(`the provider answered ${answer.status}: ${await answer.text()}`);
      return ((await answer.json()) as { access_token: string }).access_token;
    },
    [Symbol.asyncDispose]: close,
  };
}

/** A token that no provider issued: whatever a test puts into it, signed by a key of the test's. */
export async function signToken(key: Pick<SigningKey, 'privateKey' | 'algorithm' | 'publicJwk'>, payload: JWTPayload, header: Readonly<Record<string, unknown>> = {}): Promise<string> {
  return await new SignJWT(payload).setProtectedHeader({ alg: key.algorithm, kid: key.publicJwk.kid, ...header } as never).sign(key.privateKey);
}

/** The claims of a token that is good now, for changing one at a time. */
export function goodClaims(issuer: string, changes: Readonly<Record<string, unknown>> = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  return { iss: issuer, aud: AUDIENCE, sub: 'repo:acme/app', iat: now, nbf: now, exp: now + 600, owner: 'acme', ...changes };
}
