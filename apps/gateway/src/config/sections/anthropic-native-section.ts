import { z } from 'zod';
import { apiKey, apiVersion, baseUrl, count, flag, headerPattern, list, pem, proxyUrl, RELOADABLE, seconds, secondsOrNone } from './field-kinds.ts';
import { priceMultiplier } from './prices-section.ts';
import { nativeTimeoutsSection, poolSection } from './upstream-settings.ts';
import { groupsWith, ROUTE_GROUPS, type RouteGroup } from './route-groups.ts';
import { nativeUpstreamsSection, routingSection, type NativeUpstreamConfig, type RoutingConfig } from './native-upstreams-section.ts';
import type { NativeTimeoutsConfig, PoolConfig } from './upstream-settings.ts';

/** Whose credential goes upstream: the gateway's (`inject`) or the client's own (`forward`). */
export const CREDENTIAL_MODES = ['inject', 'forward'] as const;

/** One of `CREDENTIAL_MODES`. */
export type CredentialMode = (typeof CREDENTIAL_MODES)[number];

/**
 * How a stream ends that broke after its head: as the upstream's broke (`connection`), or with an `error` event in front of the break
 * where the stream stands at an event boundary (`event`).
 */
export const BROKEN_STREAM_MODES = ['connection', 'event'] as const;

/** One of `BROKEN_STREAM_MODES`. */
export type BrokenStreamMode = (typeof BROKEN_STREAM_MODES)[number];

/** What a client gets when the upstream refuses the gateway's own credential: the upstream's answer as it is (`relay`), or an error that says whose key it is (`explain`). */
export const UPSTREAM_AUTH_ERROR_MODES = ['relay', 'explain'] as const;

/** One of `UPSTREAM_AUTH_ERROR_MODES`. */
export type UpstreamAuthErrorMode = (typeof UPSTREAM_AUTH_ERROR_MODES)[number];

/** The native pass-through. */
export interface AnthropicNativeConfig {
  readonly base_url: string;
  readonly version: string;
  readonly api_key?: string | undefined;
  readonly credentials: CredentialMode;
  readonly trusted_credential_origin?: string | undefined;
  readonly allow_insecure_base_url: boolean;
  readonly timeout: number;
  readonly timeouts: NativeTimeoutsConfig;
  readonly pool: PoolConfig;
  readonly route_groups: readonly RouteGroup[];
  readonly allow_unknown_routes: boolean;
  readonly allow_request_headers: readonly string[];
  readonly deny_response_headers: readonly string[];
  readonly max_buffered_bytes: number;
  readonly rewrite_batch_results_url: boolean;
  readonly broken_streams: BrokenStreamMode;
  readonly upstream_auth_errors?: UpstreamAuthErrorMode | undefined;
  readonly keep_alive_comments: number;
  readonly price_multiplier?: string | undefined;
  readonly ca?: string | undefined;
  readonly proxy?: string | undefined;
  readonly upstreams: readonly NativeUpstreamConfig[];
  readonly routing: RoutingConfig;
}

const groups = z.enum(ROUTE_GROUPS, `one of ${ROUTE_GROUPS.join(', ')}`);

/** The schema of `anthropic_native`. */
export const anthropicNativeSection: z.ZodType<AnthropicNativeConfig> = z.strictObject({
  base_url: baseUrl().default('https://api.anthropic.com').describe('Where requests go. `http:` only to loopback unless `allow_insecure_base_url`.'),
  version: apiVersion().default('2023-06-01')
    .describe('`anthropic-version` for requests that carry none; a client\'s own is never overwritten.').meta(RELOADABLE),
  api_key: apiKey().optional().describe('The key that `inject` sends. Secret; best left to `ANTHROPIC_API_KEY` or `${file:PATH}`. Absent beside `bedrock` or `vertex`, and without `upstreams`: there is no native side.').meta(RELOADABLE),
  credentials: z.enum(CREDENTIAL_MODES, 'inject or forward').default('inject')
    .describe('`inject`: the gateway\'s key replaces the client\'s. `forward`: the client\'s own API key or OAuth bearer crosses.'),
  trusted_credential_origin: baseUrl().optional().describe('An origin besides anthropic.com and loopback to which `forward` may send clients\' credentials.'),
  allow_insecure_base_url: flag().default(false).describe('Allow `http:` to hosts other than loopback. Keys and prompts then travel in clear text.'),
  timeout: seconds().default(60).describe('Seconds until the response headers of quick operations.').meta(RELOADABLE),
  timeouts: nativeTimeoutsSection.prefault({}).describe('Every other clock, in seconds.').meta(RELOADABLE),
  pool: poolSection.prefault({}).describe('Connections to the upstream.').meta(RELOADABLE),
  route_groups: list(groups).default(groupsWith(ROUTE_GROUPS, 'isServedByDefault'))
    .describe(`Groups of routes that are served. ${groupsWith(ROUTE_GROUPS, 'isServedByDefault', false).map((group) => `\`${group}\``).join(', ')} are off unless named.`).meta(RELOADABLE),
  allow_unknown_routes: flag().default(false).describe('Forward paths the gateway does not know. Admin, OAuth, compliance and token-revealing paths stay closed.').meta(RELOADABLE),
  allow_request_headers: list(headerPattern()).default([]).describe('More request headers that cross; `*` may end a name.').meta(RELOADABLE),
  deny_response_headers: list(headerPattern()).default([]).describe('More response headers that do not cross; `*` may end a name.').meta(RELOADABLE),
  max_buffered_bytes: count(1_048_576, Number.MAX_SAFE_INTEGER).default(268_435_456).describe('Request bytes held at once, all requests and workers together.').meta(RELOADABLE),
  rewrite_batch_results_url: flag().default(false)
    .describe('Rewrite `results_url` of batches so that clients stay on the gateway. Beside it only `model_map` changes bytes of a body.').meta(RELOADABLE),
  broken_streams: z.enum(BROKEN_STREAM_MODES, 'connection or event').default('connection')
    .describe('How a stream ends that broke: `connection` as it would without the gateway, so that clients recover in the same way; `event`: an `error` event first, where the stream stands at an event boundary.').meta(RELOADABLE),
  upstream_auth_errors: z.enum(UPSTREAM_AUTH_ERROR_MODES, 'relay or explain').optional()
    .describe('What a client gets when the upstream refuses the key that `inject` sends: `relay` the upstream\'s answer, unchanged; `explain` a 502 `upstream_credential` that says whose key it is. Absent: `relay`; `explain` with more than one upstream or `identity.sign_in`.').meta(RELOADABLE),
  keep_alive_comments: secondsOrNone().default(0).describe('Silence in seconds after which a comment is sent on an event stream; 0: never.').meta(RELOADABLE),
  price_multiplier: priceMultiplier().optional().describe('What all prices of this upstream are multiplied by; a discount is below "1". Absent: 1.').meta(RELOADABLE),
  ca: pem('certificates').optional().describe('A private certificate authority to trust besides the public ones: PEM text or a path.'),
  proxy: proxyUrl().optional()
    .describe('Egress proxy. Absent: `HTTPS_PROXY`, else `ALL_PROXY` (`http_proxy`, else `ALL_PROXY`, for an `http:` upstream), unless `NO_PROXY` excludes the host. Credentials in it are secret.'),
  upstreams: nativeUpstreamsSection.prefault([]).describe('Several upstreams: keys, accounts or origins of one API. In place of `base_url` and `api_key`, which then may not stand in the file.').meta(RELOADABLE),
  routing: routingSection.prefault({}).describe('How requests are divided between `upstreams`.').meta(RELOADABLE),
}, 'an object').transform((native) => ({
  ...native,
  timeouts: { ...native.timeouts, quick_headers: native.timeouts.quick_headers ?? native.timeout },
}));
