import { PROVIDER_CLIENT_ID } from '@penstock/test-support';
import { createSigningKey, signToken } from '../../access/identity/openid-provider.ts';
import type { SignInGateway } from '../../sign-in/signed-in-gateway.ts';

/** Answers refreshes and the question for keys in the provider's place, each after a while, signed with a key that it did not have at the sign-in. */
export async function answerRefreshes({ provider }: SignInGateway, delayMs: number): Promise<void> {
  const key = await createSigningKey('rotated');
  const answerToken = async (): Promise<string> => {
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: provider.issuer, aud: PROVIDER_CLIENT_ID, sub: 'alice', iat: now, exp: now + 600, email: 'alice@example.com', email_verified: true, groups: ['engineers'] };
    return JSON.stringify({ access_token: 'a', token_type: 'Bearer', expires_in: 60, refresh_token: 'the-next-one', id_token: await signToken(key, claims) });
  };
  provider.intercept = (request, response) => {
    const { url } = request;
    if (url !== '/jwks' && url !== '/token') return false;
    response.setHeader('content-type', 'application/json');
    if (url === '/jwks') response.end(JSON.stringify({ keys: [key.publicJwk] }));
    else setTimeout(() => void answerToken().then((text) => response.end(text)), delayMs);
    return true;
  };
}
