import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { InboundConnection, type InboundLimits, lintRequest, lintTarget } from '@penstock/inbound-server';
import type { OriginCheck } from './check-origin.ts';
import { InboundRequest } from '../request/inbound-request.ts';
import type { Refusal } from './refusal.ts';

/** A request that was admitted, or why it was not. */
export type Admission = { readonly ok: true; readonly inbound: InboundRequest } | { readonly ok: false; readonly refusal: Refusal };

const SERVED_METHODS = ['GET', 'HEAD', 'POST', 'DELETE'];
const NO_ORIGIN = 'Requests from pages without an origin of their own (sandboxed frames, local files) are not accepted.';
const NOT_A_PROXY = 'CONNECT is not served: the gateway is not an HTTP proxy. Set it as the base URL of the client instead of as its proxy.';

/**
 * Looks at a request before anything routes on it: is its head unambiguous, is it the only one on its connection, is it meant
 * for us, and does no browser page send it unasked?
 */
export function admitRequest(request: IncomingMessage, response: ServerResponse, id: string, checkOrigin: OriginCheck, limits: InboundLimits): Admission {
  const startedAt = performance.now();
  const method = request.method ?? '';
  if (method === 'CONNECT') return { ok: false, refusal: { code: 'method_not_allowed', message: NOT_A_PROXY, allow: SERVED_METHODS } };
  if (InboundConnection.of(request.socket)?.isPipelined === true) return refuse('bad_request', 'The request came before the previous one on its connection was answered.');
  const head = lintRequest({ method, httpVersion: request.httpVersion, rawHeaders: request.rawHeaders });
  if (typeof head === 'string') return refuse('bad_request', head);
  const target = lintTarget(request.url ?? '');
  if (!target.ok) return refuse('bad_request', target.message);
  // The front door reads the target of the request itself.
  if (target.path.length + target.query.length !== request.url?.length) request.url = target.path + target.query;
  const problem = checkOrigin({
    host: head.host, origin: head.origin, secFetchSite: head.secFetchSite, localAddress: request.socket.localAddress,
  });
  if (problem === 'misdirected') return refuse('misdirected', 'The Host of the request is not served here: add it to server.allowed_hosts if it should be.');
  if (problem === 'browser') return refuse('forbidden', head.origin === 'null' ? NO_ORIGIN : 'Requests from this browser origin are not accepted: add it to server.cors_origins if they should be.');
  return { ok: true, inbound: new InboundRequest({ id, request, response, startedAt, path: target.path, query: target.query, head, limits }) };
}

function refuse(code: Refusal['code'], message: string): Admission {
  return { ok: false, refusal: { code, message } };
}
