import type { RouteGroup } from '../config/sections/route-groups.ts';
import { explainUnknownPath, findWrongBaseUrl, type ExplainedRequest } from './explain-path.ts';
import { GatewayError } from '../request/gateway-error.ts';
import { findRoute, UNKNOWN_ROUTE, type NativeRoute } from './route-table.ts';

/** What decides which routes are open. */
export interface RoutePolicy {
  readonly groups: ReadonlySet<RouteGroup>;
  /** Whether paths that this version does not know are forwarded. */
  readonly forwardsUnknown: boolean;
}

/** The route of a path. One that other letters would put into another group is none: the upstream may read it so (`tunnels/x/Reveal_Token` stands in the area of agents). */
function findKnown(path: string): NativeRoute | undefined {
  const route = findRoute(path);
  return route?.template.endsWith('**') === true && findRoute(path.toLowerCase())?.group !== route.group ? undefined : route;
}

/**
 * The route of a request, or a `GatewayError` with what to do: 421 for a path that only a wrong base URL makes, 404 for one that is
 * unknown or switched off, 405 with `allow` for a known path with another method.
 */
export function matchRoute(inbound: ExplainedRequest & { readonly method: string }, policy: RoutePolicy): NativeRoute {
  const { method, path } = inbound;
  const known = findKnown(path);
  const wrongBaseUrl = known === undefined ? findWrongBaseUrl(inbound) : undefined;
  if (wrongBaseUrl !== undefined) throw wrongBaseUrl;
  // A known path in other letters may be the same to the upstream: it never passes as unknown, or it would open what is closed.
  const mayBeUnknown = policy.forwardsUnknown && path.startsWith('/anthropic/v1/') && findRoute(path.toLowerCase()) === undefined;
  const route = known ?? (mayBeUnknown ? UNKNOWN_ROUTE : undefined);
  if (route === undefined) throw explainUnknownPath(path);
  if (route.group !== undefined && !policy.groups.has(route.group)) {
    throw new GatewayError('not_found', `Not found. These routes are switched off at this gateway: add "${route.group}" to anthropic_native.route_groups to switch them on.`);
  }
  if (!route.methods.includes(method)) {
    throw new GatewayError('method_not_allowed', `Method ${method} is not allowed for this path.`, { allow: route.methods });
  }
  return route;
}
