import type { RouteGroup } from '../config/sections/anthropic-native-section.ts';
import { GatewayError } from './gateway-error.ts';
import { findRoute, NATIVE_ROUTES, UNKNOWN_ROUTE, type NativeRoute } from './route-table.ts';

/** What decides which routes are open. */
export interface RoutePolicy {
  readonly groups: ReadonlySet<RouteGroup>;
  /** Whether paths that this version does not know are forwarded. */
  readonly forwardsUnknown: boolean;
}

const API_AREAS = new Set(NATIVE_ROUTES.map(({ template }) => template.split('/')[3] ?? ''));

/**
 * The route of a request, or a `GatewayError` that tells what to do: 404 for a path that is unknown or switched off,
 * 405 with `allow` for a known path with another method.
 */
export function matchRoute(method: string, path: string, policy: RoutePolicy): NativeRoute {
  const known = findRoute(path);
  // A known path in other letters may be the same to the upstream: it never passes as unknown, or it would open what is closed.
  const mayBeUnknown = policy.forwardsUnknown && path.startsWith('/anthropic/v1/') && findRoute(path.toLowerCase()) === undefined;
  const route = known ?? (mayBeUnknown ? UNKNOWN_ROUTE : undefined);
  if (route === undefined) throw new GatewayError('not_found', explainUnknown(path));
  if (route.group !== undefined && !policy.groups.has(route.group)) {
    throw new GatewayError('not_found', `Not found. These routes are switched off at this gateway: add "${route.group}" to anthropic_native.route_groups to switch them on.`);
  }
  if (!route.methods.includes(method)) {
    throw new GatewayError('method_not_allowed', `Method ${method} is not allowed for this path.`, { allow: route.methods });
  }
  return route;
}

function explainUnknown(path: string): string {
  const [, , first = ''] = path.split('/');
  if (API_AREAS.has(first)) {
    return `Not found: ${path.length > 200 ? 'this path' : path} lacks the version. Did you mean /anthropic/v1/${first}? The base URL of this client must end in /anthropic/v1.`;
  }
  if (path.startsWith('/anthropic/v1/')) {
    return 'Not found: this gateway does not know the path. anthropic_native.allow_unknown_routes forwards such paths.';
  }
  return 'Not found: the Anthropic API is served under /anthropic/v1.';
}
