import { Buffer } from 'node:buffer';
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { DroppedHeader } from '@penstock/header-policy';
import { GATHERED_BODY_BYTES, gatherRequestBody, readRequestBody, respond, validateRequestHead, type RequestBody, type RequestBodyFailure, type WholeResponse } from '@penstock/inbound-server';
import type { RelayFailure, RelayHead } from '@penstock/sse-relay';
import type { ExchangeHooks, ExchangeSettings } from './exchange/exchange-settings.ts';
import { OpenExchanges } from './exchange/open-exchanges.ts';
import { UpstreamExchange } from './exchange/upstream-exchange.ts';
import { ProxyError } from './proxy-error.ts';
import type { ProxyCall, ProxyFailure, ProxyLimits, ProxyOptions, ProxyOutcome } from './proxy-options.ts';
import { resolveProxyLimits } from './resolve-options.ts';
import { statusOf } from './status-of.ts';

/** Forwards requests. */
export interface ProxyHandler {
  /** Forwards one request and resolves when its response ended, however it ended. It never rejects. */
  (request: IncomingMessage, response: ServerResponse, call?: ProxyCall): Promise<ProxyOutcome>;
  /** Breaks the open responses visibly, for the end of a shutdown; a request whose response has not begun is answered with a 503. */
  interrupt(reason: string): void;
}

/** The request that goes to the upstream. */
interface OutboundRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: string[];
  readonly body: RequestBody | undefined;
  /** Announced bytes of the body. */
  readonly contentLength: number | undefined;
}

/** The state of one request in the hooks of its exchange. */
interface Forwarding {
  readonly request: IncomingMessage;
  readonly call: ProxyCall;
}

const NO_CALL: ProxyCall = Object.freeze({});

/**
 * Creates a reverse proxy for a plain `node:http` handler: the header policy in both directions, the body with backpressure, the response as it
 * arrives. A client that disconnects cancels the request at the upstream; a response that breaks at the upstream breaks for the client. Throws a
 * `ProxyError` for options that cannot be used.
 */
export function createProxyHandler(options: ProxyOptions): ProxyHandler {
  const limits = resolveProxyLimits(options);
  const open = new OpenExchanges();
  const exchanges: ExchangeSettings<Forwarding> = { upstream: options.upstream, policy: options.policy, relay: options.relay ?? {}, hooks: new ForwardingHooks(options), open };
  const handle = async (request: IncomingMessage, response: ServerResponse, call: ProxyCall = NO_CALL): Promise<ProxyOutcome> => {
    const outcome = await forward(options, limits, exchanges, response, { request, call });
    try {
      options.hooks?.onSettled?.(outcome);
    } catch (error) {
      process.emitWarning(`onSettled of the proxy threw: ${error instanceof Error ? error.name : typeof error}`, 'ProxyWarning');
    }
    return outcome;
  };
  return Object.assign(handle, { interrupt: (reason: string) => { open.interrupt(reason); } });
}

async function forward(options: ProxyOptions, limits: ProxyLimits, exchanges: ExchangeSettings<Forwarding>, response: ServerResponse, forwarding: Forwarding): Promise<ProxyOutcome> {
  const { request, call } = forwarding;
  try {
    const { method, path, headers, body: read, contentLength = Number.POSITIVE_INFINITY } = prepare(options, limits, request, response, call);
    const gathered = read !== undefined && contentLength <= GATHERED_BODY_BYTES ? await gatherRequestBody(read.chunks) : undefined;
    const body = gathered ?? read?.chunks ?? null;
    const { timeouts, client, longLived = gathered === undefined && read !== undefined ? 'upload' : undefined } = call;
    const exchange = new UpstreamExchange(exchanges, forwarding, response, call.observer);
    const result = await exchange.send({ method, path, headers, body, client, longLived, ...(timeouts === undefined ? {} : { timeouts }) });
    if (result.headSent) return { request, status: response.statusCode, relay: result, ...(result.how === 'complete' ? {} : { error: result.error }) };
    const error = read?.failure() ?? result.error;
    if (result.how === 'client_gone') return { request, error, relay: result };
    return { ...await answerFailure(options, request, response, error), relay: result };
  } catch (error) {
    return answerFailure(options, request, response, error);
  }
}

/** The hooks of the exchanges, from those of the handler and of its calls. */
class ForwardingHooks implements ExchangeHooks<Forwarding> {
  readonly #options: ProxyOptions;

  constructor(options: ProxyOptions) {
    this.#options = options;
  }

  onHead(head: RelayHead, { request }: Forwarding): RelayHead | undefined {
    const { hooks } = this.#options;
    return hooks?.onHead === undefined ? head : hooks.onHead(head, request);
  }

  onDropped(dropped: readonly DroppedHeader[], { request }: Forwarding): void {
    this.#options.hooks?.onDropped?.('response', dropped, request);
  }

  failureEvent(failure: RelayFailure): Uint8Array | undefined {
    return this.#options.relay?.failureEvent?.(failure);
  }

  failureFrame(failure: RelayFailure): Uint8Array | undefined {
    return this.#options.relay?.failureFrame?.(failure);
  }

  sawStop({ call }: Forwarding): boolean {
    return call.sawStop?.() ?? true;
  }
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
