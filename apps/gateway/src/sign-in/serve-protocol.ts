import { Buffer } from 'node:buffer';
import type { BlockList } from 'node:net';
import type { ClaudeCodeGateway, ProtocolAnswer, ProtocolRequest, ProtocolRoute } from '@penstock/claude-code-gateway';
import { readRequestBody, respond, type RequestBodyFailure } from '@penstock/inbound-server';
import { clientAddress } from '../access/clients/client-address.ts';
import type { Authentication, ClientRegistry } from '../access/clients/client-registry.ts';
import { IDENTITY_RETRY_SECONDS } from '../access/clients/refusal.ts';
import type { ByteBudget, ByteLease } from '../body/byte-budget.ts';
import { SIGN_IN_PATH } from '../config/rules/identity-rules.ts';
import type { RequestLog } from '../observe/log/request-log.ts';
import type { GatewayMetrics } from '../observe/metrics/create-gateway-metrics.ts';
import type { RequestObserver } from '../observe/request-observer.ts';
import type { Lifecycle } from '../process/lifecycle.ts';
import { ClientGone, errorBody, errorHeaders, GatewayError, isGatewayError } from '../request/gateway-error.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { Outcome } from '../request/request-record.ts';
import type { DescribeCaller } from './caller-policy.ts';

/** What the protocol is served with; what a reload replaces is asked for each request. */
export interface ProtocolServing {
  readonly routes: ClaudeCodeGateway['routes'];
  readonly clients: () => ClientRegistry;
  readonly describeCaller: () => DescribeCaller;
  readonly trustedProxies: () => BlockList;
  readonly budget: ByteBudget;
  readonly lifecycle: Lifecycle;
  readonly metrics: Pick<GatewayMetrics, 'requestStarted' | 'requestEnded' | 'credentialRefused'>;
  readonly log: Pick<RequestLog, 'credentialRefused' | 'internalError'>;
  readonly observer: RequestObserver;
}

/** The paths of the protocol, mounted under `/anthropic`. */
export interface ProtocolHandler {
  /** `undefined` for all other paths. */
  handle(inbound: InboundRequest): Promise<void> | undefined;
  /** Whether a path is one of the pages, which check the browser themselves. */
  isPage(path: string): boolean;
}

interface MountedRoute {
  readonly template: string;
  readonly route: ProtocolRoute;
}

/** One exchange until it is settled. */
interface ProtocolExchange {
  client: string;
  person: Extract<Authentication, { kind: 'client' }>['person'];
  status: number;
  outcome: Outcome;
  requestBytes: number;
  responseBytes: number;
  errorCode: string | undefined;
}

const BODY_FAILURES: Readonly<Record<RequestBodyFailure, () => Error>> = {
  too_large: () => new GatewayError('too_large', 'The request body is too large for this path.'),
  too_slow: () => new GatewayError('request_timeout', 'The request body arrived too slowly.'),
  client_gone: () => new ClientGone(),
};

/** Paths of which a running client asks again and again: their lines would hide the others. */
const ROUTINE = /\/v1\/(?:metrics|logs|traces)$|\/oauth\/token$/;

/** Makes the handler; one look into a map decides whether a request is for it. */
export function createProtocolHandler(serving: ProtocolServing): ProtocolHandler {
  const mounted = new Map<string, MountedRoute>(Array.from(serving.routes, ([path, route]) => [SIGN_IN_PATH + path, { template: SIGN_IN_PATH + path, route }]));
  return {
    handle(inbound) {
      const found = mounted.get(inbound.path);
      return found === undefined ? undefined : serve(serving, found, inbound);
    },
    isPage(path) {
      const route = mounted.get(path)?.route;
      return route?.access === 'open' && route.isPage;
    },
  };
}

async function serve(serving: ProtocolServing, mounted: MountedRoute, inbound: InboundRequest): Promise<void> {
  const { metrics, observer } = serving;
  const exchange: ProtocolExchange = { client: 'unauthenticated', person: undefined, status: 499, outcome: 'client_gone', requestBytes: 0, responseBytes: 0, errorCode: undefined };
  const lease = serving.budget.lease(inbound.request.socket.remoteAddress ?? '');
  metrics.requestStarted('native', inbound);
  try {
    const answer = await answerRequest(serving, mounted, inbound, exchange, lease).catch((failure: unknown) => answerFailure(serving, inbound, exchange, failure));
    if (answer === undefined) inbound.response.destroy();
    else await write(serving, inbound, exchange, answer);
  } finally {
    lease.release();
    metrics.requestEnded('native', inbound);
    observer.settled(inbound, { side: 'native', route: mounted, isEventStream: false, isRoutine: ROUTINE.test(mounted.template) && exchange.status < 500, ...exchange });
  }
}

async function answerRequest(serving: ProtocolServing, { route }: MountedRoute, inbound: InboundRequest, exchange: ProtocolExchange, lease: ByteLease): Promise<ProtocolAnswer> {
  if (serving.lifecycle.isRefusing) throw new GatewayError('draining', 'The gateway is shutting down.', { retryAfterSeconds: 1 });
  const { method } = inbound;
  if (!route.methods.some((served) => served === method)) throw new GatewayError('method_not_allowed', `Method ${method} is not allowed for this path.`, { allow: route.methods });
  const admitted = route.access === 'open' ? undefined : await admit(serving, inbound, exchange);
  const body = await readBody(inbound, route.maxBodyBytes, lease, exchange);
  const request: ProtocolRequest = {
    method, query: inbound.query.slice(1), headers: inbound.request.headers, body,
    address: clientAddress(inbound.request.socket.remoteAddress, inbound.request.rawHeaders, serving.trustedProxies()),
  };
  if (route.access === 'open') return route.handle(request);
  if (admitted === undefined) throw new TypeError('a route for callers has an admitted one');
  return route.handle(request, serving.describeCaller()(admitted));
}

async function admit({ clients, log, metrics }: ProtocolServing, inbound: InboundRequest, exchange: ProtocolExchange): Promise<Extract<Authentication, { kind: 'client' }>> {
  const identity = await clients().authenticate(inbound.request.rawHeaders, 'native');
  exchange.person = identity.person;
  if (identity.kind === 'refused') {
    log.credentialRefused(inbound, identity.reason, identity.person);
    metrics.credentialRefused('native', identity.reason);
    const { code, message } = identity.answer;
    throw new GatewayError(code, message, code === 'identity_unavailable' ? { retryAfterSeconds: IDENTITY_RETRY_SECONDS } : {});
  }
  inbound.authenticated();
  inbound.client = identity.name;
  exchange.client = identity.name;
  return identity;
}

async function readBody(inbound: InboundRequest, maxBytes: number, lease: ByteLease, exchange: ProtocolExchange): Promise<Buffer> {
  const { contentLength = 0, isChunked } = inbound.head;
  if (contentLength === 0 && !isChunked) return Buffer.alloc(0);
  if (contentLength > maxBytes) throw BODY_FAILURES.too_large();
  const chunks: Uint8Array[] = [];
  const body = readRequestBody(inbound.request, { maxBytes, limits: inbound.limits, createError: (failure) => BODY_FAILURES[failure]() });
  for await (const chunk of body.chunks) {
    chunks.push(chunk);
    exchange.requestBytes = body.bytes();
    if (!lease.cover(exchange.requestBytes)) throw new GatewayError('overloaded', lease.describeSpent(), { retryAfterSeconds: 1 });
  }
  return Buffer.concat(chunks);
}

function answerFailure({ log }: ProtocolServing, inbound: InboundRequest, exchange: ProtocolExchange, failure: unknown): ProtocolAnswer | undefined {
  if (failure instanceof ClientGone || inbound.isGone) return undefined;
  if (!isGatewayError(failure)) log.internalError(inbound, failure);
  const error = isGatewayError(failure) ? failure : new GatewayError('internal', 'Internal error of the gateway.');
  exchange.errorCode = error.code;
  exchange.outcome = error.shape.outcome;
  return { status: error.shape.status, headers: errorHeaders(error, inbound.id), body: errorBody(error, inbound.id) };
}

async function write({ lifecycle }: ProtocolServing, inbound: InboundRequest, exchange: ProtocolExchange, { status, headers, body, failedPart }: ProtocolAnswer): Promise<void> {
  exchange.status = status;
  if (exchange.errorCode === undefined) exchange.outcome = outcomeOf(status, failedPart);
  const own = exchange.errorCode === undefined ? ['x-penstock-request-id', inbound.id] : [];
  const closing = lifecycle.isLeaving ? ['connection', 'close'] : [];
  exchange.responseBytes = await respond(inbound.request, inbound.response, { status, headers: [...headers, ...own, ...inbound.responseFields, ...closing], body });
}

/** A 5xx of the protocol is because of the provider, as in the cause `sign_in_provider_failing`, or of what the operator runs: the store, the keys. */
function outcomeOf(status: number, failedPart: ProtocolAnswer['failedPart']): Outcome {
  if (status < 400) return 'ok';
  if (status < 500) return 'client_error';
  return failedPart === 'provider' ? 'upstream_unreachable' : 'internal';
}
