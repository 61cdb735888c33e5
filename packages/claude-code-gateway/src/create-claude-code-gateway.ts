import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import type { ClaudeCodeGatewayOptions, TelemetryOptions } from './claude-code-gateway-options.ts';
import { ClaudeCodeGatewayError } from './claude-code-gateway-error.ts';
import { createCallerRoutes, createOpenRoutes, type ProtocolRoute } from './protocol-routes.ts';
import { createOidcProvider, type OidcProviderOptions } from './provider/create-oidc-provider.ts';
import type { AuthorizationChecks, IdentityProvider } from './provider/identity-provider.ts';
import { createSessionKeys } from './session-keys.ts';
import { readSignInLimits } from './sign-in-limits.ts';
import type { GatewayAddresses, SignInParts } from './sign-in-parts.ts';
import { createSignInStore } from './store/create-sign-in-store.ts';
import { createTelemetryRelay } from './telemetry/telemetry-relay.ts';
import { createAccessTokens, type AccessTokenClaims, type AccessTokenVerdict } from './tokens/access-tokens.ts';
import { createRevocations, MOST_CLOCK_SKEW_MS } from './tokens/revocations.ts';
import { createUnsavedRefreshTokens } from './tokens/unsaved-refresh-tokens.ts';
import { describeHealth, notePart, watchDatabase, watchProvider, type PartTimes, type SignInHealth } from './watched-parts.ts';

/** What a reload replaces. */
export interface ClaudeCodeGatewayChanges {
  readonly sessionKeys: readonly string[];
  readonly telemetry: TelemetryOptions | undefined;
}

/** Claude Code's cloud gateway, independent of any HTTP frame. */
export interface ClaudeCodeGateway {
  /** The issuer of the tokens: what the client calls the gateway's URL. */
  readonly issuer: string;
  /** Every path of the protocol, below the mount. */
  readonly routes: ReadonlyMap<string, ProtocolRoute>;
  /** The claims of an access token that is valid now; `undefined` for every other text. */
  verify(accessToken: string): Promise<AccessTokenClaims | undefined>;
  /** The same with the reason of a refusal. */
  judge(accessToken: string): Promise<AccessTokenVerdict>;
  /** Whether a session was ended: a cache of verified tokens asks for each use. */
  isRevoked(sessionId: string): boolean;
  /** Whether provider and store answered when they were last asked; both are asked at the start, and again while they fail. */
  health(): SignInHealth;
  update(changes: ClaudeCodeGatewayChanges): void;
  close(): Promise<void>;
}

const OPTION_TYPES: Readonly<Record<keyof ClaudeCodeGatewayOptions, OptionType>> = Object.freeze({
  publicUrl: 'string', mount: 'string?', sessionKeys: 'list', provider: 'object', database: 'object', telemetry: 'object?', limits: 'object?', isKnownGroup: 'function?',
  audit: 'function?', onTelemetryDropped: 'function?', onRevoked: 'function?', now: 'function?',
});

/** Nothing is sent with these: a provider that gives an address for them can be reached. */
const PROBE: AuthorizationChecks = { state: 'probe', nonce: 'probe', codeVerifier: 'probe' };
const NO_TELEMETRY: TelemetryOptions = { targets: [] };

/** Makes a gateway. A provider or store that is down keeps it from nothing but sign-ins. @throws ClaudeCodeGatewayError `invalid_options`, `address_refused` */
export function createClaudeCodeGateway(options: ClaudeCodeGatewayOptions): ClaudeCodeGateway {
  const wrong = describeUnknownOption(options, OPTION_TYPES) ?? describeWrongOption(options, OPTION_TYPES);
  if (wrong !== undefined) throw new ClaudeCodeGatewayError('invalid_options', wrong);
  const addresses = readAddresses(options);
  const limits = readSignInLimits(options.limits ?? {});
  const keys = createSessionKeys(options.sessionKeys);
  const { now = Date.now, audit = () => undefined, onTelemetryDropped = () => undefined } = options;
  const failingSince: PartTimes = { provider: undefined, store: undefined };
  const store = createSignInStore(watchDatabase(options.database, (isWell) => notePart(failingSince, 'store', isWell, now())));
  const tokenLifeMs = limits.sessionTtlSeconds * 1000;
  const revocations = createRevocations({ store, now, tokenLifeMs, onRevoked: options.onRevoked ?? (() => undefined) });
  const tokens = createAccessTokens({ keys, issuer: addresses.base, ttlSeconds: limits.sessionTtlSeconds, now });
  const asked = isProvider(options.provider) ? options.provider : createOidcProvider({ ...options.provider, redirectUri: `${addresses.base}/oauth/callback` });
  const provider = watchProvider(asked, (isWell) => notePart(failingSince, 'provider', isWell, now()));
  const probe = (): void => { void provider.authorizationUrl(PROBE); };
  const parts: SignInParts = {
    addresses, keys, store, provider, tokens, revocations, unsaved: createUnsavedRefreshTokens(store, keys), limits, now, audit, isKnownGroup: options.isKnownGroup ?? (() => true),
    formTargets: ['https:', ...(isProvider(options.provider) ? [] : [new URL(options.provider.issuer).origin].filter((origin) => origin.startsWith('http:')))],
  };
  const relay = createTelemetryRelay(onTelemetryDropped);
  let resourceAttributes: Readonly<Record<string, string>> = {};
  const relayTo = ({ targets, limits: bounds = {}, resourceAttributes: attributes = {} }: TelemetryOptions): void => {
    relay.replace(targets, bounds);
    resourceAttributes = attributes;
  };
  relayTo(options.telemetry ?? NO_TELEMETRY);

  const judge = async (accessToken: string): Promise<AccessTokenVerdict> => {
    const verdict = await tokens.judge(accessToken);
    return verdict.ok && revocations.isRevoked(verdict.claims.sessionId) ? { ok: false, reason: 'revoked', claims: verdict.claims } : verdict;
  };
  const polling = setInterval(() => {
    void revocations.poll();
    void parts.unsaved.saveAll();
  }, limits.revocationPollMs).unref();
  const pruning = setInterval(() => {
    void store.clock().then((at) => store.prune(at, limits.refreshTtlSeconds * 1000, 2 * tokenLifeMs + MOST_CLOCK_SKEW_MS)).catch(() => undefined);
  }, limits.pruneMs).unref();
  const probing = setInterval(() => { if (failingSince.provider !== undefined) probe(); }, limits.providerProbeMs).unref();
  void revocations.poll();
  probe();

  return {
    issuer: addresses.base,
    routes: new Map<string, ProtocolRoute>([...createOpenRoutes(parts), ...createCallerRoutes({ addresses, audit, limits, now, telemetry: () => ({ relay, resourceAttributes }) })]),
    judge,
    async verify(accessToken) {
      const verdict = await judge(accessToken);
      return verdict.ok ? verdict.claims : undefined;
    },
    isRevoked: (sessionId) => revocations.isRevoked(sessionId),
    health: () => describeHealth(failingSince),
    update({ sessionKeys, telemetry: next }) {
      relayTo(next ?? NO_TELEMETRY);
      keys.replace(sessionKeys);
    },
    async close() {
      clearInterval(polling);
      clearInterval(pruning);
      clearInterval(probing);
      await Promise.all([provider.close(), relay.close()]);
      await parts.unsaved.saveAll();
      await store.close();
    },
  };
}

function isProvider(provider: IdentityProvider | Omit<OidcProviderOptions, 'redirectUri'>): provider is IdentityProvider {
  return 'exchange' in provider;
}

function readAddresses({ publicUrl, mount = '' }: ClaudeCodeGatewayOptions): GatewayAddresses {
  const url = URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  if (url === undefined || url.origin === 'null' || url.href !== `${url.origin}/` || !['http:', 'https:'].includes(url.protocol)) {
    throw new ClaudeCodeGatewayError('invalid_options', 'publicUrl must be an origin such as https://claude.example, without a path');
  }
  if (!/^(?:\/[\w-]+)*$/.test(mount)) throw new ClaudeCodeGatewayError('invalid_options', `mount must be empty or a path without a slash at its end, received ${mount}`);
  return { publicUrl: url.origin, mount, base: url.origin + mount };
}
