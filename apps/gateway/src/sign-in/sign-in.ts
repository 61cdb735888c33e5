import type { AuditEvent, ClaudeCodeGateway, SqlDatabase, TelemetryOptions } from '@penstock/claude-code-gateway';
import type { BearerVerifier } from '../access/identity/bearer-verifier.ts';
import { namedGroups } from '../access/policies/policy-book.ts';
import { createByteBudget } from '../body/byte-budget.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { SIGN_IN_PATH } from '../config/rules/identity-rules.ts';
import type { SignInConfig } from '../config/sections/sign-in-section.ts';
import type { Cause, Condition, PartConditions } from '../observe/causes.ts';
import { createDescribeCaller } from './caller-policy.ts';
import { createProtocolHandler, type ProtocolHandler, type ProtocolServing } from './serve-protocol.ts';
import { createSignInVerifier } from './sign-in-verifier.ts';

/** Sign-in of one gateway process. */
export interface SignIn {
  /** Judges the tokens that sign-in issued. */
  readonly verifier: BearerVerifier;
  /** The route templates, for metrics. */
  readonly routes: readonly string[];
  /** Serves the protocol, once the rest of the gateway is made. */
  mount(parts: Omit<ProtocolServing, 'routes' | 'describeCaller' | 'budget'>): ProtocolHandler;
  /** Parts that failed when they were last asked. */
  conditions(): PartConditions;
  update(config: GatewayConfig): void;
  /** Ends what it opened. */
  close(): Promise<void>;
}

/** What sign-in is made from. */
export interface SignInOptions {
  /** Whether a budget of the store names a group; asked for each token that is issued. */
  readonly isBudgetGroup: (group: string) => boolean;
  readonly config: GatewayConfig;
  readonly signIn: SignInConfig;
  readonly database: SqlDatabase;
  readonly onAct: (event: AuditEvent) => void;
  readonly onTelemetryDropped: (reason: string) => void;
}

/** Bodies of telemetry and forms that are held at once. */
const HELD_BYTES = 64 * 1024 * 1024;
const LARGEST_BODY_BYTES = 8 * 1024 * 1024;

/** Makes sign-in. Its package, with all that speaks OpenID Connect, is loaded here and nowhere else. */
export async function createSignIn({ isBudgetGroup, config, signIn, database, onAct, onTelemetryDropped }: SignInOptions): Promise<SignIn> {
  const { createClaudeCodeGateway, mergeSettings } = await import('@penstock/claude-code-gateway');
  const { oidc } = signIn;
  let knownGroups = namedGroups(config);
  const gateway: ClaudeCodeGateway = createClaudeCodeGateway({
    publicUrl: signIn.public_url, mount: SIGN_IN_PATH, sessionKeys: signIn.session_keys, database, audit: onAct, onTelemetryDropped,
    telemetry: telemetryOf(config),
    limits: { sessionTtlSeconds: signIn.session_ttl, refreshTtlSeconds: signIn.refresh_ttl, refreshGraceSeconds: signIn.refresh_grace },
    isKnownGroup: (group) => knownGroups.has(group) || isBudgetGroup(group),
    provider: {
      issuer: oidc.issuer, clientId: oidc.client_id, scopes: oidc.scopes, extraAuthParams: oidc.extra_auth_params, clockSkewSeconds: oidc.clock_skew,
      ...(oidc.client_secret === undefined ? {} : { clientSecret: oidc.client_secret }), ...(oidc.ca === undefined ? {} : { ca: oidc.ca }),
      ...(oidc.proxy === undefined ? {} : { proxy: oidc.proxy }),
      claims: {
        ...oidc.claims, trustUnverifiedEmail: oidc.trust_unverified_email, allowedEmailDomains: oidc.allowed_email_domains, allowedGroups: oidc.allowed_groups,
      },
    },
  });
  let describeCaller = createDescribeCaller(config, mergeSettings);
  return {
    verifier: createSignInVerifier(gateway),
    routes: Array.from(gateway.routes.keys(), (path) => SIGN_IN_PATH + path),
    mount: (parts) => createProtocolHandler({ ...parts, routes: gateway.routes, describeCaller: () => describeCaller, budget: createByteBudget(HELD_BYTES, LARGEST_BODY_BYTES) }),
    conditions() {
      const { provider, store, providerFailingSince, storeFailingSince } = gateway.health();
      return {
        ...(provider ? {} : { sign_in_provider: conditionOf('sign_in_provider_failing', providerFailingSince, 'sessions go on until their tokens expire, and sign-ins fail') }),
        ...(store ? {} : { sign_in_store: conditionOf('sign_in_store_failing', storeFailingSince, 'tokens are good until they expire, sign-ins and refreshes are refused with 503') }),
      };
    },
    update(next) {
      knownGroups = namedGroups(next);
      describeCaller = createDescribeCaller(next, mergeSettings);
      gateway.update({ sessionKeys: (next.identity.sign_in ?? signIn).session_keys, telemetry: telemetryOf(next) });
    },
    close: () => gateway.close(),
  };
}

function conditionOf(cause: Cause, since: number | undefined, detail: string): Condition {
  return { cause, party: 'sign_in', since, detail };
}

function telemetryOf({ telemetry }: GatewayConfig): TelemetryOptions {
  return {
    resourceAttributes: telemetry.resource_attributes,
    targets: telemetry.forward_to.map(({ url, headers, signals, ca, proxy }) => ({ url, headers, signals, ...(ca === undefined ? {} : { ca }), ...(proxy === undefined ? {} : { proxy }) })),
  };
}
