import { performance } from 'node:perf_hooks';
import * as client from 'openid-client';
import { isClaudeCodeGatewayError } from '../claude-code-gateway-error.ts';
import type { Identity } from '../identity.ts';
import { createGuardedFetch } from './guarded-fetch.ts';
import type { AuthorizationChecks, IdentityProvider, ProviderAnswer } from './identity-provider.ts';
import { hasGroupOverage, readClaims, type ClaimRules } from './read-claims.ts';
import { checkOutboundUrl, isLoopbackHost, type ResolveName } from './refused-addresses.ts';

/** An OpenID provider and this gateway's registration there. */
export interface OidcProviderOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Absent for a public client, which PKCE alone protects. */
  readonly clientSecret?: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly claims: ClaimRules;
  /** Added to the authorization request, such as `access_type=offline`. @defaultValue none */
  readonly extraAuthParams?: Readonly<Record<string, string>>;
  /** How far the provider's clock may differ. @defaultValue 300 */
  readonly clockSkewSeconds?: number;
  /** All requests of one grant together (discovery, tokens, keys, userinfo), to the last byte of the last answer. Milliseconds; less than `leaseMs`. @defaultValue 10,000 */
  readonly timeoutMs?: number;
  /** A private authority in PEM, trusted beside the public ones. */
  readonly ca?: string;
  /** An egress proxy to the provider; it resolves the provider's name. @defaultValue none */
  readonly proxy?: string;
}

const REDISCOVERY_MS = 3_600_000;
const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_CLOCK_SKEW_SECONDS = 300;

interface Discovered {
  readonly metadata: client.ServerMetadata;
  readonly at: number;
}

/** An identity provider that speaks OpenID Connect, by `openid-client`. Its discovery document is read when it is first needed. */
export function createOidcProvider(options: OidcProviderOptions, resolveName?: ResolveName): IdentityProvider {
  const issuer = new URL(options.issuer);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const isLoopback = isLoopbackHost(issuer);
  const guardedFetch = createGuardedFetch({
    allowsLoopback: isLoopback, timeoutMs, ...(options.ca === undefined ? {} : { ca: options.ca }), ...(options.proxy === undefined ? {} : { proxy: options.proxy }),
  }, resolveName);
  const clientMetadata = { [client.clockTolerance]: options.clockSkewSeconds ?? DEFAULT_CLOCK_SKEW_SECONDS };
  let discovered: Discovered | undefined;
  let discovering: Promise<Discovered> | undefined;

  const fetchFor = (deadline: AbortSignal, onTokens?: (answer: Response) => Promise<void>): client.CustomFetch => async (url, { method, headers, body, signal }) => {
    const until = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
    const answer = await guardedFetch(url, { method, headers: { ...headers }, ...(body === undefined || body === null ? {} : { body: body as string }), signal: until });
    if (url === discovered?.metadata.token_endpoint) await onTokens?.(answer.clone());
    return answer;
  };
  const allowed = isLoopback && issuer.protocol === 'http:' ? [client.allowInsecureRequests] : [];
  /** Several grants may wait for it: it has a deadline of its own. */
  const discover = async (): Promise<Discovered> => {
    const found = await client.discovery(issuer, options.clientId, clientMetadata, undefined, { execute: allowed, [client.customFetch]: fetchFor(AbortSignal.timeout(timeoutMs)), timeout: timeoutMs / 1000 });
    discovered = { metadata: found.serverMetadata(), at: performance.now() };
    return discovered;
  };
  const metadata = async (deadline: AbortSignal): Promise<client.ServerMetadata> => {
    if (discovered !== undefined && performance.now() - discovered.at < REDISCOVERY_MS) return discovered.metadata;
    discovering ??= discover().finally(() => { discovering = undefined; });
    if (discovered === undefined) return (await settleBefore(deadline, discovering)).metadata;
    // A document that is old is better than none, and than a grant whose time is spent on a new one.
    discovering.catch(() => undefined);
    return discovered.metadata;
  };
  /** A configuration for one grant: its signing keys are fetched anew, so that a rotated key is known at once. */
  const configure = async (deadline: AbortSignal, onTokens?: (answer: Response) => Promise<void>): Promise<client.Configuration> => {
    const server = await metadata(deadline);
    const configuration = new client.Configuration(server, options.clientId, clientMetadata, authenticationFor(server, options.clientSecret));
    configuration[client.customFetch] = fetchFor(deadline, onTokens);
    configuration.timeout = timeoutMs / 1000;
    for (const allow of allowed) allow(configuration);
    client.enableNonRepudiationChecks(configuration);
    return configuration;
  };
  /** Runs one grant and reads who the person is from the ID token, and from userinfo where the token leaves something out. */
  const grant = async (known: Identity | undefined, request: (configuration: client.Configuration) => Promise<client.TokenEndpointResponse & client.TokenEndpointResponseHelpers>): Promise<ProviderAnswer> => {
    let refreshToken: string | undefined;
    try {
      const configuration = await configure(AbortSignal.timeout(timeoutMs), async (answer) => { refreshToken = await readRefreshToken(answer); });
      const tokens = await request(configuration);
      const claims = tokens.claims();
      // Userinfo does not have the groups either that were too many for the token.
      const needsUserinfo = claims === undefined || (!hasGroupOverage(claims, options.claims.groups) && [options.claims.email, options.claims.groups].some((claim) => claim !== undefined && claims[claim] === undefined));
      const canAsk = configuration.serverMetadata().userinfo_endpoint !== undefined;
      const userinfo = needsUserinfo && canAsk ? await client.fetchUserInfo(configuration, tokens.access_token, claims?.sub ?? client.skipSubjectCheck) : undefined;
      // A refresh without either still shows that the person exists.
      if (claims === undefined && userinfo === undefined) return known === undefined ? refuse('no_subject') : { kind: 'identity', identity: known, refreshToken };
      const read = readClaims({ ...userinfo, ...claims }, options.claims);
      if (read.kind === 'refused') return read;
      if (known !== undefined && read.identity.subject !== known.subject) return refuse('subject_changed');
      const name = read.identity.name ?? known?.name;
      return { kind: 'identity', identity: name === undefined ? read.identity : { ...read.identity, name }, refreshToken };
    } catch (error) {
      return describeFailure(error, refreshToken);
    }
  };

  return {
    async authorizationUrl({ state, nonce, codeVerifier }) {
      try {
        const challenge = await client.calculatePKCECodeChallenge(codeVerifier);
        const url = client.buildAuthorizationUrl(await configure(AbortSignal.timeout(timeoutMs)), {
          ...options.extraAuthParams, redirect_uri: options.redirectUri, scope: options.scopes.join(' '), state, nonce, code_challenge: challenge, code_challenge_method: 'S256',
        });
        // The browser is sent there with what the document names.
        checkOutboundUrl(url, isLoopback);
        return url;
      } catch {
        return undefined;
      }
    },
    exchange(query, { state, nonce, codeVerifier }: AuthorizationChecks) {
      const url = new URL(options.redirectUri);
      url.search = query;
      return grant(undefined, (configuration) => client.authorizationCodeGrant(configuration, url, { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier, idTokenExpected: true }));
    },
    refresh: (refreshToken, known) => grant(known, (configuration) => client.refreshTokenGrant(configuration, refreshToken)),
    close: () => guardedFetch.close(),
  };
}

function authenticationFor({ token_endpoint_auth_methods_supported: methods }: client.ServerMetadata, secret: string | undefined): client.ClientAuth {
  if (secret === undefined) return client.None();
  // A provider that names no methods supports this one (OpenID Connect Discovery 1.0 section 3).
  return methods === undefined || methods.includes('client_secret_basic') ? client.ClientSecretBasic(secret) : client.ClientSecretPost(secret);
}

/** Only the provider's own `invalid_grant` ends a session; everything else may pass. */
function describeFailure(error: unknown, refreshToken: string | undefined): ProviderAnswer {
  if (error instanceof client.ResponseBodyError && error.error === 'invalid_grant') return refuse('invalid_grant');
  if (error instanceof client.AuthorizationResponseError && error.error === 'access_denied') return refuse('access_denied');
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (isClaudeCodeGatewayError(cause)) return { kind: 'unavailable', reason: cause.code, refreshToken };
  }
  if ((error as { readonly name?: unknown }).name === 'TimeoutError') return { kind: 'unavailable', reason: 'timeout', refreshToken };
  const code = error instanceof client.ResponseBodyError || error instanceof client.AuthorizationResponseError ? error.error : (error as { readonly code?: unknown }).code;
  return { kind: 'unavailable', reason: typeof code === 'string' ? code.slice(0, 64).toLowerCase().replace(/^oauth_/, '') : 'unreachable', refreshToken };
}

function refuse(reason: Extract<ProviderAnswer, { kind: 'refused' }>['reason']): ProviderAnswer {
  return { kind: 'refused', reason };
}

/** Resolves as the work does; rejects with the signal's reason if the deadline comes first. */
async function settleBefore<Value>(deadline: AbortSignal, work: Promise<Value>): Promise<Value> {
  const { promise: isOver, reject } = Promise.withResolvers<never>();
  const onOver = (): void => { reject(deadline.reason); };
  deadline.addEventListener('abort', onOver, { once: true });
  try {
    return await Promise.race([work, isOver]);
  } finally {
    deadline.removeEventListener('abort', onOver);
  }
}

async function readRefreshToken(answer: Response): Promise<string | undefined> {
  try {
    const { refresh_token: token } = await answer.json() as { readonly refresh_token?: unknown };
    return typeof token === 'string' && token !== '' ? token : undefined;
  } catch {
    return undefined;
  }
}
