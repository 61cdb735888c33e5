import type { UpstreamStats } from '@penstock/upstream-client';
import { ROUTE_GROUPS } from '../config/sections/anthropic-native-section.ts';
import type { InboundRequest } from '../inbound/inbound-request.ts';
import type { NativeRuntime } from './native-runtime.ts';

const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.)/;

/**
 * The body of `GET /anthropic/health`. Pool numbers say how busy a team is: only an authenticated client or a loopback peer
 * sees them. It never holds a URL, a key or a client's name.
 */
export function describeHealth(runtime: NativeRuntime, inbound: InboundRequest): Record<string, unknown> {
  const { lifecycle, upstream, health } = runtime;
  const status = lifecycle.isLeaving ? 'draining' : health.isFailing() || runtime.isDegraded() ? 'degraded' : 'healthy';
  const isTrusted = LOOPBACK.test(inbound.request.socket.remoteAddress ?? '') || isAuthenticated(runtime, inbound);
  return {
    status,
    service: 'anthropic-native',
    upstream: isTrusted ? { ...describePool(upstream.stats()), ...health.ages() } : {},
    endpoints: Object.fromEntries(ROUTE_GROUPS.map((group) => [group, runtime.routes.groups.has(group)])),
  };
}

function isAuthenticated(runtime: NativeRuntime, inbound: InboundRequest): boolean {
  const identity = runtime.clients.authenticate(inbound.request.rawHeaders);
  return identity.kind === 'client' && identity.client !== undefined;
}

/** The numbers under the names of the configuration and the metrics; the origin is nobody's business here. */
function describePool(stats: UpstreamStats): Record<string, number> {
  return {
    max_connections: stats.maxConnections, max_keepalive_connections: stats.maxKeepAliveConnections, max_waiting: stats.maxWaiting,
    open: stats.open, active: stats.active, idle: stats.idle, connecting: stats.connecting, waiting: stats.waiting,
  };
}
