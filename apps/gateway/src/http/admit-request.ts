import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { type InboundLimits, type TargetOptions, validateRequest } from '@penstock/inbound-server';
import type { OriginCheck } from './check-origin.ts';
import { InboundRequest } from '../request/inbound-request.ts';
import type { Refusal } from './refusal.ts';

/** A request that was admitted, or why it was not. */
export type Admission = { readonly ok: true; readonly inbound: InboundRequest } | { readonly ok: false; readonly refusal: Refusal };

const SERVED_METHODS = ['GET', 'HEAD', 'POST', 'DELETE'];
/** OpenAI clients send a slash at the end of a path, and the model id `a/b` as `a%2Fb`; clients of Bedrock send ARNs so. Neither can be read as another route there. */
const TARGET_OPTIONS: TargetOptions = { trailingSlashUnder: '/v1/', encodedSlashUnder: ['/v1/models/', '/bedrock/model/'] };
const NO_ORIGIN = 'Requests from pages without an origin of their own (sandboxed frames, local files) are not accepted.';
const NOT_A_PROXY = 'CONNECT is not served: the gateway is not an HTTP proxy. Set it as the base URL of the client instead of as its proxy.';

/** What a request is admitted by. */
export interface AdmissionRules {
  readonly checkOrigin: OriginCheck;
  readonly limits: InboundLimits;
  /** Whether a path is a page that a browser opens and that checks the browser itself. */
  readonly isPage: (path: string) => boolean;
}

/**
 * Looks at a request before anything routes on it: is its head unambiguous, is it the only one on its connection, is it meant
 * for us, and does no browser page send it unasked?
 */
export function admitRequest(request: IncomingMessage, response: ServerResponse, id: string, { checkOrigin, limits, isPage }: AdmissionRules): Admission {
  const startedAt = performance.now();
  const method = request.method ?? '';
  if (method === 'CONNECT') return { ok: false, refusal: { code: 'method_not_allowed', message: NOT_A_PROXY, allow: SERVED_METHODS } };
  const validated = validateRequest(request, TARGET_OPTIONS);
  if (!validated.ok) return refuse('bad_request', validated.message);
  const { head, path, query } = validated;
  // The front door reads the target of the request itself.
  if (path.length + query.length !== request.url?.length) request.url = path + query;
  const problem = checkOrigin({
    host: head.host, origin: head.origin, secFetchSite: head.secFetchSite, localAddress: request.socket.localAddress,
  });
  if (problem === 'misdirected') return refuse('misdirected', 'The Host of the request is not served here: add it to server.allowed_hosts if it should be.');
  if (problem === 'browser' && !isPage(path)) return refuse('forbidden', head.origin === 'null' ? NO_ORIGIN : 'Requests from this browser origin are not accepted: add it to server.cors_origins if they should be.');
  return { ok: true, inbound: new InboundRequest({ id, request, response, startedAt, path, query, head, limits }) };
}

function refuse(code: Refusal['code'], message: string): Admission {
  return { ok: false, refusal: { code, message } };
}
