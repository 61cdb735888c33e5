import { Buffer } from 'node:buffer';
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { ChunkList, readRequestBody, respond, validateRequestHead, type RequestBody, type RequestBodyFailure, type WholeResponse } from '@penstock/inbound-server';
import { ProxyError } from './proxy-error.ts';
import type { ProxyCall, ProxyFailure, ProxyLimits, ProxyOptions, ProxyOutcome } from './proxy-options.ts';
import { ProxyRelay } from './proxy-relay.ts';
import { resolveProxyLimits } from './resolve-options.ts';
import { statusOf } from './status-of.ts';

/** Forwards one request and resolves when its response ended, however it ended. It never rejects. */
export type ProxyHandler = (request: IncomingMessage, response: ServerResponse, call?: ProxyCall) => Promise<ProxyOutcome>;

/** The request that goes to the upstream. */
interface OutboundRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: string[];
  readonly body: RequestBody | undefined;
  /** Announced bytes of the body. */
  readonly contentLength: number | undefined;
}

/** A body of at most this size is read whole before the request takes a slot: a slow client then holds none. */
const GATHERED_BODY_BYTES = 65_536;
const NO_CALL: ProxyCall = Object.freeze({});

/**
 * Creates a reverse proxy for a plain `node:http` handler: the header policy in both directions, the body with backpressure, the response as it
 * arrives. A client that disconnects cancels the request at the upstream; a response that breaks at the upstream breaks for the client. Throws a
 * `ProxyError` for options that cannot be used.
 */
export function createProxyHandler(options: ProxyOptions): ProxyHandler {
  const limits = resolveProxyLimits(options);
  return async (request, response, call = NO_CALL) => {
    const outcome = await forward(options, limits, request, response, call);
    try {
      options.hooks?.onSettled?.(outcome);
    } catch (error) {
      process.emitWarning(`onSettled of the proxy threw: ${error instanceof Error ? error.name : typeof error}`, 'ProxyWarning');
    }
    return outcome;
  };
}

async function forward(options: ProxyOptions, limits: ProxyLimits, request: IncomingMessage, response: ServerResponse, call: ProxyCall): Promise<ProxyOutcome> {
  try {
    const { method, path, headers, body: read, contentLength = Number.POSITIVE_INFINITY } = prepare(options, limits, request, response, call);
    const gathered = read !== undefined && contentLength <= GATHERED_BODY_BYTES ? await gather(read) : undefined;
    const body = gathered ?? read?.chunks ?? null;
    const relay = new ProxyRelay(options, request, response, call);
    const result = await relay.send({ method, path, headers, body }, gathered === undefined && read !== undefined ? 'upload' : undefined);
    if (result.headSent) return { request, status: response.statusCode, relay: result, ...(result.how === 'complete' ? {} : { error: result.error }) };
    const error = read?.failure() ?? result.error;
    if (result.how === 'client_gone') return { request, error, relay: result };
    return { ...await answerFailure(options, request, response, error), relay: result };
  } catch (error) {
    return answerFailure(options, request, response, error);
  }
}

async function gather({ chunks }: RequestBody): Promise<Uint8Array[]> {
  const list = new ChunkList();
  for await (const chunk of chunks) list.append(chunk as Buffer);
  return list.take();
}

/** Decides framing and fields of the outbound request, or throws the `ProxyError` that is answered. */
function prepare({ policy, additions, hooks }: ProxyOptions, limits: ProxyLimits, request: IncomingMessage, response: ServerResponse, call: ProxyCall): OutboundRequest {
  if (response.headersSent) throw new ProxyError('head_already_sent', 'the head of the client response was already sent');
  const { method = 'GET', rawHeaders } = request;
  const head = validateRequestHead({ method, httpVersion: request.httpVersion, rawHeaders });
  if (typeof head === 'string') throw new ProxyError('invalid_request', head);
  const path = call.path ?? request.url ?? '';
  if (!path.startsWith('/')) throw new ProxyError('invalid_request', 'The request target must be in origin form: a path that begins with a slash.');
  const forwarded = policy.forwardRequestHeaders(rawHeaders, call.additions ?? additions ?? {});
  if (!forwarded.ok) throw new ProxyError(forwarded.violation.code === 'too_many_fields' ? 'too_many_fields' : 'invalid_request', forwarded.violation.message);
  if (forwarded.dropped.length > 0) hooks?.onDropped?.('request', forwarded.dropped, request);
  const { contentLength } = head;
  if (!head.isChunked && (contentLength === undefined || contentLength === 0)) return { method, path, headers: forwarded.headers, body: undefined, contentLength };
  if (contentLength !== undefined) {
    if (contentLength > limits.maxRequestBytes) throw createBodyError('too_large', limits);
    forwarded.headers.push('content-length', String(contentLength));
  }
  if (request.readableDidRead || request.readableEnded) {
    throw new ProxyError('body_consumed', 'the body of the request was read before the proxy was called: call the proxy before body parsers');
  }
  const body = readRequestBody(request, { maxBytes: limits.maxRequestBytes, limits, createError: (reason) => createBodyError(reason, limits) });
  return { method, path, headers: forwarded.headers, body, contentLength };
}

const BODY_FAILURES: Readonly<Record<RequestBodyFailure, (limits: ProxyLimits) => string>> = {
  too_large: ({ maxRequestBytes }) => `The request body exceeds the maximum size of ${maxRequestBytes} bytes.`,
  too_slow: () => 'The request body arrived too slowly.',
  client_gone: () => 'The client closed the connection.',
};

function createBodyError(reason: RequestBodyFailure, limits: ProxyLimits): ProxyError {
  return new ProxyError(reason, BODY_FAILURES[reason](limits));
}

/** Answers a request that got nothing from the upstream. If it cannot be answered any more, its connection is closed. */
async function answerFailure({ hooks }: ProxyOptions, request: IncomingMessage, response: ServerResponse, error: unknown): Promise<ProxyOutcome> {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return { request, error };
  }
  const failure: ProxyFailure = { ...statusOf(error), error, request };
  let whole: WholeResponse;
  try {
    whole = hooks?.respondToFailure?.(failure) ?? describePlainly(failure);
  } catch {
    whole = describePlainly(failure);
  }
  await respond(request, response, whole);
  return { request, status: whole.status, error };
}

function describePlainly({ status, headers }: ProxyFailure): WholeResponse {
  return { status, headers: ['content-type', 'text/plain', ...headers], body: Buffer.from(STATUS_CODES[status] ?? '') };
}
