import { hasViaPseudonym } from '@penstock/header-policy';
import { ClientGone, GatewayError } from '../request/gateway-error.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { Authentication } from '../access/clients/authentication.ts';
import { IDENTITY_RETRY_SECONDS } from '../access/clients/refusal.ts';
import { describeRefusal, type Refusal } from '../access/limits/decide-admission.ts';
import type { Admission } from '../access/limits/limiter.ts';
import type { PipedExchange } from './piped-exchange.ts';
import type { PipedRoute, PipeRuntime } from './pipe-runtime.ts';

/** What a request without an accepted key is answered instead of 401, where its path shows that it went astray. */
export type ExplainPath = (inbound: InboundRequest) => GatewayError | undefined;

/** Phase 1. Refuses loops, and requests while draining; the head was validated before routing. */
export function admit(runtime: PipeRuntime, exchange: PipedExchange): void {
  if (runtime.tracing !== undefined) exchange.inbound.trace = runtime.tracing.begin(exchange.inbound);
  if (runtime.lifecycle.isRefusing) throw new GatewayError('draining', 'The gateway is shutting down.', { retryAfterSeconds: 1 });
  if (hasViaPseudonym(exchange.inbound.request.rawHeaders, runtime.viaPseudonym)) {
    throw new GatewayError('loop_detected', 'The request has passed this gateway before: its upstream leads back to itself.');
  }
}

/** Phase 2. The caller, by key or token; `undefined` where there is nothing to wait for. */
export function authenticate(runtime: PipeRuntime, exchange: PipedExchange, explainPath?: ExplainPath): Promise<void> | undefined {
  const identity = runtime.clients.authenticate(exchange.inbound.request.rawHeaders, exchange.side);
  if (identity instanceof Promise) return identifyLater(runtime, exchange, identity, explainPath);
  identify(runtime, exchange, identity, explainPath);
  return undefined;
}

async function identifyLater(runtime: PipeRuntime, exchange: PipedExchange, identity: Promise<Authentication>, explainPath: ExplainPath | undefined): Promise<void> {
  identify(runtime, exchange, await identity, explainPath);
  if (exchange.inbound.isGone) throw new ClientGone();
}

function identify(runtime: PipeRuntime, exchange: PipedExchange, identity: Authentication, explainPath: ExplainPath | undefined): void {
  exchange.person = identity.person;
  if (identity.kind === 'refused') {
    const misplaced = explainPath?.(exchange.inbound);
    if (misplaced !== undefined) throw misplaced;
    runtime.log.credentialRefused(exchange.inbound, identity.reason, identity.person);
    runtime.metrics.credentialRefused(exchange.side, identity.reason);
    const { code, message } = identity.answer;
    throw new GatewayError(code, message, code === 'identity_unavailable' ? { retryAfterSeconds: IDENTITY_RETRY_SECONDS } : {});
  }
  exchange.inbound.authenticated();
  exchange.client = identity.name;
  exchange.inbound.client = identity.name;
  exchange.counterKey = identity.counterKey;
  exchange.rules = identity.client;
}

/** Phase 4. The client's own limits, held until the request is settled; `undefined` where there is nothing to wait for: it has none, or they are counted in memory. */
export function takeLimits(runtime: PipeRuntime, exchange: PipedExchange): Promise<void> | undefined {
  if (!runtime.limiter.needsLimits(exchange.client)) return undefined;
  const admission = runtime.limiter.admit(exchange.client, exchange.counterKey);
  if (admission instanceof Promise) return waitForLimits(runtime, exchange, admission);
  holdLimits(runtime, exchange, admission);
  return undefined;
}

async function waitForLimits(runtime: PipeRuntime, exchange: PipedExchange, admission: Promise<Admission>): Promise<void> {
  holdLimits(runtime, exchange, await admission);
  // If the client disconnected during the store call, its `close` event has already fired. Stop here, or the lease is held until the body times out.
  if (exchange.inbound.isGone) throw new ClientGone();
}

function holdLimits(runtime: PipeRuntime, exchange: PipedExchange, admission: Admission): void {
  if (!admission.ok) throw refusalOf(admission, runtime, exchange);
  exchange.limits = admission.lease;
}

function refusalOf({ limit, retryAfterSeconds }: Refusal, runtime: PipeRuntime, exchange: PipedExchange): GatewayError {
  if (limit === 'store_unavailable') return new GatewayError('overloaded', describeRefusal(limit), { retryAfterSeconds });
  runtime.metrics.limitRejected(exchange.client, limit);
  return new GatewayError('rate_limited', describeRefusal(limit), { retryAfterSeconds });
}

/** The end of phase 5: the tokens that the request may cost, reserved until it is settled; `undefined` where there is nothing to wait for. */
export function reserveTokens(runtime: PipeRuntime, exchange: PipedExchange, matched: PipedRoute): Promise<void> | undefined {
  if (!exchange.measuresText || !matched.reportsUsage || matched.body !== 'json') return undefined;
  const refusal = exchange.limits?.reserve({
    input_tokens_per_minute: exchange.estimatedInput, output_tokens_per_minute: exchange.maxTokens ?? Number.POSITIVE_INFINITY,
  });
  if (refusal instanceof Promise) return waitForTokens(runtime, exchange, refusal);
  if (refusal !== undefined) throw refusalOf(refusal, runtime, exchange);
  return undefined;
}

async function waitForTokens(runtime: PipeRuntime, exchange: PipedExchange, reserving: Promise<Refusal | undefined>): Promise<void> {
  const refusal = await reserving;
  if (refusal !== undefined) throw refusalOf(refusal, runtime, exchange);
  if (exchange.inbound.isGone) throw new ClientGone();
}
