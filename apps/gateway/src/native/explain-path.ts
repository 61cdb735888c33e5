import { nearestName } from '@penstock/option-names';
import type { InboundRequest } from '../request/inbound-request.ts';
import { CLOUD_AREAS, CLOUD_CLIENTS_NOT_SERVED, describeBaseUrl, type ReachedRequest } from '../http/base-url.ts';
import { GatewayError } from '../request/gateway-error.ts';
import { findRoute, NATIVE_ROUTES } from './route-table.ts';

/** What the sentences about a path need to know of its request. */
export type ExplainedRequest = ReachedRequest & Pick<InboundRequest, 'path'>;

/** First segments of the API's own paths, without the version. Sign-in paths of Claude Code stand without one, under the same name as the API's. */
const API_AREAS = new Set(NATIVE_ROUTES.map(({ template }) => template.split('/')[3] ?? '').filter((area) => area !== 'oauth'));

/** First segments of paths that only OpenAI clients ask for. */
const OPENAI_AREAS: ReadonlySet<string> = new Set(['chat', 'completions', 'responses', 'embeddings']);

/**
 * The 421 for a path under `/anthropic` that only a wrong base URL makes; `undefined` for every other path. Such a path is never forwarded,
 * and its answer is no 404: clients rewrite that into a sentence about the model.
 */
export function findWrongBaseUrl(inbound: ExplainedRequest): GatewayError | undefined {
  const [, , first = '', second = '', third = ''] = inbound.path.split('/', 5);
  const misdirected = (base: Parameters<typeof describeBaseUrl>[1]): GatewayError => new GatewayError('misdirected', describeBaseUrl(inbound, base));
  if (first === 'anthropic') return misdirected('/anthropic');
  if (first !== 'v1') return OPENAI_AREAS.has(first) ? misdirected('/v1') : API_AREAS.has(first) ? misdirected('/anthropic/v1') : undefined;
  if (OPENAI_AREAS.has(second)) return misdirected('/v1');
  // The base URL ends in /v1, or is the whole URL of the messages.
  return second === 'v1' || (second === 'messages' && third === 'v1') ? misdirected('/anthropic') : undefined;
}

/** The 404 for a path under `/anthropic` that is unknown. */
export function explainUnknownPath(path: string): GatewayError {
  if (isCloudPath(path)) return new GatewayError('not_found', CLOUD_CLIENTS_NOT_SERVED);
  const meant = nearestPath(path);
  const hint = meant === undefined ? '' : ` The nearest path is ${meant}.`;
  return new GatewayError('not_found', path.startsWith('/anthropic/v1/')
    ? `Not found: this gateway does not know the path.${hint} anthropic_native.allow_unknown_routes forwards such paths.`
    : `Not found: the Anthropic API is served under /anthropic/v1.${hint}`);
}

/** A known path that a mistyped one most likely means: the whole of it, or with its first segments. */
function nearestPath(path: string): string | undefined {
  const known = NATIVE_ROUTES.map(({ template }) => template).filter((template) => !/[{*]/.test(template));
  const whole = path.startsWith('/anthropic/') ? nearestName(path, known) : undefined;
  if (whole !== undefined) return whole;
  const [, , first = '', second = '', third] = path.split('/', 5);
  const area = first === 'v1' && third !== undefined ? nearestName(second, known.map((template) => template.slice('/anthropic/v1/'.length))) : undefined;
  return area === undefined ? undefined : `/anthropic/v1/${area}/…`;
}

/** The paths of sign-in, which are served before the native side where `identity.sign_in` is configured. */
export const SIGN_IN_PATHS: ReadonlySet<string> = new Set([
  '/anthropic/.well-known/oauth-authorization-server', '/anthropic/protocol', '/anthropic/oauth/device_authorization', '/anthropic/oauth/token',
  '/anthropic/oauth/revoke', '/anthropic/oauth/callback', '/anthropic/device', '/anthropic/device/confirm', '/anthropic/managed/settings',
  '/anthropic/user/bootstrap', '/anthropic/v1/metrics', '/anthropic/v1/logs', '/anthropic/v1/traces',
]);

/**
 * What a request without an accepted key is answered instead of 401: a client with a wrong base URL, or of a cloud, sends no key of the
 * gateway's, and a 401 would send its owner to look for one.
 */
export function findMisplacedPath(inbound: ExplainedRequest): GatewayError | undefined {
  if (findRoute(inbound.path) !== undefined) return undefined;
  if (SIGN_IN_PATHS.has(inbound.path)) return new GatewayError('not_found', 'Not found: sign-in is off at this gateway. identity.sign_in switches it on.');
  return findWrongBaseUrl(inbound) ?? (isCloudPath(inbound.path) ? new GatewayError('not_found', CLOUD_CLIENTS_NOT_SERVED) : undefined);
}

function isCloudPath(path: string): boolean {
  const [, , first = '', second = ''] = path.split('/', 4);
  return CLOUD_AREAS.has(first === 'v1' ? second : first);
}
