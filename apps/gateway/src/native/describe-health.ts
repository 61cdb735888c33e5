import type { MemberStatus } from '@penstock/upstream-group';
import { clientAddress } from '../access/clients/client-address.ts';
import { isLoopbackHost } from '../config/loopback.ts';
import { ROUTE_GROUPS } from '../config/sections/route-groups.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import { healthOf, mergeHealth, type HealthPart } from '../pipe/health-part.ts';
import type { NativeRuntime } from './native-runtime.ts';

/**
 * The body of `GET /anthropic/health`. Pool numbers say how busy a team is: only an authenticated client or one on this machine
 * sees them; behind a trusted proxy on this machine it is the client's own address that counts. It never holds a URL, a key or a client's name.
 */
export function describeHealth(runtime: NativeRuntime, inbound: InboundRequest): Record<string, unknown> {
  const { lifecycle, upstreams } = runtime;
  const health = mergeHealth(healthOf(upstreams.list), runtime.otherHealth());
  const status = lifecycle.isLeaving ? 'draining' : health.isFailing || runtime.isDegraded() ? 'degraded' : 'healthy';
  const { socket, rawHeaders } = inbound.request;
  const isLocal = [socket.remoteAddress ?? '', clientAddress(socket.remoteAddress, rawHeaders, runtime.trustedProxies)].every(isLoopbackHost);
  const isTrusted = isLocal || isAuthenticated(runtime, inbound);
  return {
    status,
    service: 'anthropic-native',
    upstream: isTrusted ? { ...health.pool, ...describeAges(health) } : {},
    ...(upstreams.group === undefined || !isTrusted ? {} : { upstreams: describeMembers(upstreams.members()) }),
    endpoints: Object.fromEntries(ROUTE_GROUPS.map((group) => [group, runtime.routes.groups.has(group)])),
  };
}

/** The health of each of several upstreams, as this process sees it. */
function describeMembers(members: readonly MemberStatus[]): Record<string, unknown> {
  return Object.fromEntries(members.map(({ name, state, reason, coolsForMs }) => [name, { state, reason: reason ?? null, cools_for_seconds: Math.ceil(coolsForMs / 100) / 10 }]));
}

/** Seconds since the upstream answered and failed for the last time; null where it never did. */
function describeAges({ answeredAt, failedAt }: HealthPart): Record<string, number | null> {
  const now = Date.now();
  const age = (at: number): number | null => (at === 0 ? null : Math.round(Math.max(0, now - at) / 100) / 10);
  return { last_success_seconds: age(answeredAt), last_failure_seconds: age(failedAt) };
}

function isAuthenticated(runtime: NativeRuntime, inbound: InboundRequest): boolean {
  const identity = runtime.clients.authenticate(inbound.request.rawHeaders);
  // Persons are not: they share nothing of the gateway's operation, and a probe does not wait for an issuer.
  if (identity instanceof Promise || identity.person !== undefined) return false;
  // Under `forward` the gateway's own key is enough here: nothing goes upstream.
  if (identity.kind === 'refused') return runtime.clients.requiresKey && identity.reason === 'no_upstream_credential';
  return identity.client !== undefined;
}
