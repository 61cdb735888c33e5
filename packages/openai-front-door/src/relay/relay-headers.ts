import type { IncomingMessage } from 'node:http';
import type { RawHeaders } from '../backend.ts';

/** What of a client's header goes to an OpenAI-compatible origin. A list of what may, so that no credential ever does. */
const REQUEST_FIELDS: ReadonlySet<string> = new Set([
  'accept', 'content-encoding', 'content-type', 'idempotency-key', 'openai-beta', 'traceparent', 'tracestate', 'user-agent', 'x-client-request-id',
]);

/** A field that describes a body which is passed on as it arrives; that of a gathered one is its own. */
const STREAMED_FIELD = 'content-length';

/** Response fields that never cross where the backend has no policy of its own. */
const DROPPED_RESPONSE_FIELDS: ReadonlySet<string> = new Set([
  // Hop-by-hop (RFC 9110 section 7.6.1), and framing that is written anew.
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authentication-info', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect',
  // Credentials, of whatever hop.
  'authorization', 'proxy-authorization', 'x-api-key', 'api-key', 'set-cookie', 'set-cookie2', 'www-authenticate',
  // They speak for the origin's own site.
  'alt-svc', 'strict-transport-security', 'nel', 'report-to', 'reporting-endpoints', 'clear-site-data', 'public-key-pins', 'public-key-pins-report-only', 'expect-ct',
  'accept-ch', 'critical-ch', 'origin-agent-cluster', 'service-worker-allowed', 'refresh', 'timing-allow-origin',
  // Commands to a reverse proxy in front of us.
  'x-accel-redirect', 'x-sendfile', 'x-lighttpd-send-file', 'x-reproxy-url',
]);

/** `x-penstock-*` is the gateway's own: on an upstream's answer it would forge where an error came from. */
const DROPPED_RESPONSE_PREFIXES: readonly string[] = ['access-control-', 'cross-origin-', 'x-penstock-'];

/** What `Connection` names is meant for the next hop alone (RFC 9110 section 7.6.1). */
function nominatedFields(rawHeaders: RawHeaders): ReadonlySet<string> {
  const nominated = new Set<string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== 'connection') continue;
    for (const name of (rawHeaders[index + 1] ?? '').split(',')) nominated.add(name.trim().toLowerCase());
  }
  return nominated;
}

/** The header of a relayed request: the client's own lines, in order, and a demand for plain bytes so that usage can be read. */
export function relayRequestHeaders(request: IncomingMessage, isStreamed: boolean): string[] {
  const nominated = nominatedFields(request.rawHeaders);
  const headers: string[] = [];
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? '';
    const key = name.toLowerCase();
    if (nominated.has(key)) continue;
    const crosses = REQUEST_FIELDS.has(key) || key.startsWith('x-stainless-') || (isStreamed && key === STREAMED_FIELD);
    if (crosses) headers.push(name, request.rawHeaders[index + 1] ?? '');
  }
  headers.push('accept-encoding', 'identity');
  return headers;
}

/** The header of a relayed response, where its backend has no `forwardResponseHeaders`: everything but the fields above and what `Connection` nominates. */
export function relayResponseHeaders(rawHeaders: RawHeaders): string[] {
  const nominated = nominatedFields(rawHeaders);
  const headers: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    if (DROPPED_RESPONSE_FIELDS.has(name) || nominated.has(name) || DROPPED_RESPONSE_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    headers.push(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
  }
  return headers;
}
