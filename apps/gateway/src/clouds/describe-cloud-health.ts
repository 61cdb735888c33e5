import { isLoopbackHost } from '../config/loopback.ts';
import { readHealthPart } from '../pipe/health-part.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { CloudRuntime } from './cloud-runtime.ts';

/** The body of `GET /bedrock/health` and `/vertex/health`: this process. Pool numbers are for authenticated clients and for peers on this machine. */
export function describeCloudHealth(runtime: CloudRuntime, inbound: InboundRequest): Record<string, unknown> {
  const { lifecycle, first, format } = runtime;
  const { pool, answeredAt, failedAt, isFailing } = readHealthPart(first.client.stats(), first.state);
  const isTrusted = isOnThisMachine(inbound) || isAuthenticated(runtime, inbound);
  return {
    status: lifecycle.isLeaving ? 'draining' : isFailing ? 'degraded' : 'healthy',
    service: format.side,
    upstream: isTrusted ? { ...pool, last_success_seconds: ageOf(answeredAt), last_failure_seconds: ageOf(failedAt) } : {},
    endpoints: Object.fromEntries(format.routes.map(({ template }) => [template, true])),
  };
}

/** Behind a proxy on this machine nothing is: the client's own address is elsewhere. */
function isOnThisMachine({ request }: InboundRequest): boolean {
  return isLoopbackHost(request.socket.remoteAddress ?? '') && request.headers['x-forwarded-for'] === undefined && request.headers['forwarded'] === undefined;
}

function isAuthenticated(runtime: CloudRuntime, { request }: InboundRequest): boolean {
  const identity = runtime.clients.authenticate(request.rawHeaders, runtime.format.side);
  // A probe does not wait for an issuer, and persons share nothing of the gateway's operation.
  return !(identity instanceof Promise) && identity.kind !== 'refused' && identity.person === undefined && identity.client !== undefined;
}

function ageOf(at: number): number | null {
  return at === 0 ? null : Math.round(Math.max(0, Date.now() - at) / 100) / 10;
}
