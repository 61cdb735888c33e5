// A gateway that takes tokens of its own sign-in and of issuers: each valid token in front of every other verifier.
import { Buffer } from 'node:buffer';
import { answerAlways, PROVIDER_CLIENT_ID, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { decodeJwt, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { TEST_KEY } from '../start-test-gateway.ts';
import { AUDIENCE, createSigningKey, goodClaims, signToken, startOpenIdProvider, type OpenIdProvider, type SigningKey } from '../access/identity/openid-provider.ts';
import { SESSION_KEY, startSignInGateway, type SignInGateway } from './signed-in-gateway.ts';

interface World {
  readonly gateway: SignInGateway;
  readonly issuer: OpenIdProvider;
  readonly key: SigningKey;
  /** From now on the provider that people sign in with is an issuer as well, for an audience. */
  readonly list: (audience: string) => void;
  /** The status of a message with a bearer, and the person in its log line. */
  readonly ask: (bearer: string) => Promise<readonly [status: number, person: unknown]>;
}

async function startWorld(stack: AsyncDisposableStack): Promise<World> {
  const upstream = stack.use(await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{"type":"message"}'))));
  const key = await createSigningKey('one');
  const issuer = stack.use(await startOpenIdProvider([key]));
  const gateway = await startSignInGateway(stack, upstream.origin);
  const reload = (...more: readonly object[]): void => {
    const { identity } = gateway.document as { readonly identity: object };
    const issuers = [{ name: 'idp', issuer: issuer.issuer, audience: [AUDIENCE], require: { owner: ['acme'] } }, ...more];
    gateway.update(gatewayConfigSchema.parse({ ...gateway.document, identity: { ...identity, issuers }, anthropic_native: { base_url: upstream.origin, api_key: TEST_KEY } }));
  };
  reload();
  return {
    gateway, issuer, key,
    list: (audience) => reload({ name: 'people', issuer: gateway.provider.issuer, audience: [audience], require: { sub: ['ali*'] } }),
    async ask(bearer) {
      const { status, headers } = await fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', body: '{"model":"claude-x","max_tokens":1,"messages":[]}', headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' } });
      const line = (): Readonly<Record<string, unknown>> | undefined => gateway.logged.find(({ msg, request_id: id }) => msg === 'request' && id === headers.get('x-penstock-request-id'));
      await expect.poll(line).toBeDefined();
      return [status, line()?.['person']];
    },
  };
}

test('bearers: a valid token of one verifier is none of another, whatever issuer it names', async () => {
  await using stack = new AsyncDisposableStack();
  const { gateway, issuer, key, ask } = await startWorld(stack);
  const { accessToken } = await gateway.signIn();
  const signedIn = decodeJwt(accessToken);
  const withSessionKey = (claims: object): Promise<string> => new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(Buffer.from(SESSION_KEY));
  expect(await ask(accessToken)).toEqual([200, 'alice']);
  expect(await ask(await issuer.issue({ owner: 'acme' }))).toEqual([200, 'idp:robot']);
  // The session key signs for our own sign-in alone, the issuer's key for the issuer alone.
  expect(await ask(await withSessionKey(signedIn))).toEqual([200, 'alice']);
  expect(await ask(await withSessionKey(goodClaims(issuer.issuer)))).toEqual([401, undefined]);
  expect(await ask(await signToken(key, signedIn))).toEqual([401, undefined]);
  expect(await ask(await signToken(key, { ...signedIn, iss: issuer.issuer }))).toEqual([401, undefined]);
  expect(await ask(await withSessionKey({ ...signedIn, aud: AUDIENCE }))).toEqual([401, undefined]);
  expect(await gateway.series('penstock_credential_refusals_total{side="native",reason="token_algorithm"}')).toBe(1);
});

test('bearers: the id_token of the sign-in provider is one only where its issuer is listed for its audience, and then another person', async () => {
  await using stack = new AsyncDisposableStack();
  const { gateway, list, ask } = await startWorld(stack);
  let idToken = '';
  gateway.provider.onTokens = (body) => { idToken = String((JSON.parse(body) as Record<string, unknown>)['id_token']); };
  const { accessToken } = await gateway.signIn();
  expect(await ask(idToken)).toEqual([401, undefined]);
  list('another-audience');
  expect(await ask(idToken)).toEqual([401, undefined]);
  list(PROVIDER_CLIENT_ID);
  expect(await ask(idToken)).toEqual([200, 'people:alice']);
  expect(await ask(accessToken)).toEqual([200, 'alice']);
});
