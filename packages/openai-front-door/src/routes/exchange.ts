import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import type { Context } from 'koa';
import type { FrontDoorHooks } from '../options.ts';
import { FrontDoorError, type Outcome } from '../errors/front-door-error.ts';
import { classifyBackendFailure } from '../errors/backend-failure.ts';
import { openAiErrorResponse } from '../errors/openai-error-body.ts';
import type { Backend, BackendRequest, BackendResponse, RawHeaders } from '../backend.ts';
import type { AnswerTokens, RequestSummary, StreamProgress, UsageSource } from '../request-summary.ts';
import { createClientResponse, type ClientResponse } from './client-response.ts';
import { watchDeparture } from './departure.ts';
import type { RequestTarget } from './request-target.ts';

/** What the parts of one request's handling learn on the way. */
export interface ExchangeRecord {
  outcome: Outcome;
  requestBytes: number;
  isEventStream: boolean;
  backend?: string;
  requestedModel?: string;
  model?: string;
  usage?: AnswerTokens;
  usageSource?: UsageSource;
  textBytes?: number;
  upstreamStatus?: number;
  sentMs?: number;
  firstByteMs?: number;
  largestGapMs?: number;
  sawStop?: boolean;
  stopReason?: string;
  missingBackends?: readonly string[];
  errorCode?: string;
  error?: unknown;
}

/** The upstream's answer as its reader holds it, for as long as the body streams. */
export interface UpstreamAnswer extends BackendResponse {
  /** Empty once the head of the client's answer was made of them: a stream may last for minutes. */
  rawHeaders: RawHeaders;
}

/** One request from its arrival to the end of its response body. */
export interface Exchange {
  readonly ctx: Context;
  readonly route: string;
  readonly target: RequestTarget;
  readonly record: ExchangeRecord;
  readonly client: ClientResponse;
  /** Aborted when the client leaves or the exchange is interrupted. */
  readonly signal: AbortSignal;
  /** The application's id of the request, for answers that have none of the upstream's. */
  readonly requestId: string | undefined;
  /** Calls a backend and notes when its head came. `cancelled` ends this call alone. Rejects with a `FrontDoorError`. */
  send(name: string, backend: Backend, request: BackendRequest, cancelled?: AbortSignal): Promise<UpstreamAnswer>;
  /** What an error means here: the client's leaving and an interruption come before whatever they caused. */
  classify(error: unknown): FrontDoorError;
  /** Ends the exchange early; an open stream gets an error frame. */
  interrupt(error: FrontDoorError): void;
  /** Cancels the upstream request. */
  cancelUpstream(): void;
  /** Reports that an event stream begins. */
  streamBegun(progress: () => StreamProgress): void;
  /** Reports the exchange, once. */
  settle(): void;
}

function summarize(exchange: { readonly ctx: Context; readonly route: string; readonly record: ExchangeRecord; readonly client: ClientResponse }, startedAt: number): RequestSummary {
  const { ctx, route, record, client } = exchange;
  const hasLeft = record.outcome === 'client_gone' || record.outcome === 'client_stalled';
  return {
    ...record, route, method: ctx.method,
    status: client.headSent() ? client.status() : hasLeft ? 499 : 500,
    responseBytes: client.bytes(),
    durationMs: performance.now() - startedAt,
  };
}

/** Begins an exchange; the response is the front door's from here on. */
export function beginExchange(ctx: Context, { template: route, target }: { readonly template: string; readonly target: RequestTarget }, options: { readonly hooks: FrontDoorHooks; readonly clientStallMs: number }): Exchange {
  const startedAt = performance.now();
  const departure = watchDeparture(ctx.res);
  const record: ExchangeRecord = { outcome: 'internal', requestBytes: 0, isEventStream: false };
  const client = createClientResponse(ctx.res, options.clientStallMs);
  let hasHead = false;
  let isSettled = false;
  ctx.respond = false;
  const guarded = (hook: () => void): void => {
    try {
      hook();
    } catch (error) {
      options.hooks.onInternalError?.(error, ctx);
    }
  };
  const onHead = ({ status, rawHeaders, body }: BackendResponse): UpstreamAnswer => {
    hasHead = true;
    record.upstreamStatus = status;
    record.firstByteMs ??= performance.now() - startedAt;
    guarded(() => { options.hooks.onUpstreamHead?.(ctx); });
    return { status, rawHeaders, body };
  };
  const onSent = (at: number): void => { record.sentMs = at - startedAt; };
  /** What a backend rejected with; what no table knows is a fault of the upstream to the client, and reported to the application. */
  const rejected = (error: unknown): unknown => {
    if (classifyBackendFailure(error, hasHead).code !== 'internal') return error;
    options.hooks.onInternalError?.(error, ctx);
    return new FrontDoorError('upstream_reset', 'The upstream could not be asked.', { cause: error });
  };
  return {
    ctx, route, target, record, client,
    signal: departure.signal,
    requestId: options.hooks.requestId?.(ctx),
    interrupt: (error) => { departure.interrupt(error); },
    cancelUpstream: () => { departure.cancelUpstream(); },
    classify: (error) => departure.cause(error) ?? classifyBackendFailure(error, hasHead),
    // Not an async function: its frame would hold the request until the head is there.
    send: (name, backend, request, cancelled) => {
      record.backend = name;
      if (departure.signal.aborted) return Promise.reject(departure.signal.reason as Error);
      guarded(() => { options.hooks.onRequestFields?.(ctx, name, request.headers); });
      const signal = cancelled === undefined ? departure.signal : AbortSignal.any([departure.signal, cancelled]);
      // A port that throws instead of rejecting is the same.
      const sent = new Promise<BackendResponse>((resolve) => { resolve(backend.send({ ...request, client: options.hooks.client?.(ctx), caller: options.hooks.caller?.(ctx), tag: options.hooks.tag?.(ctx) }, signal, onSent)); });
      return sent.then(onHead, (error: unknown) => { throw signal.aborted ? error : rejected(error); });
    },
    streamBegun: (progress) => { guarded(() => { options.hooks.onStreamBegun?.(ctx, progress); }); },
    settle: () => {
      if (isSettled) return;
      isSettled = true;
      departure.stop();
      guarded(() => { options.hooks.onRequestSettled?.(summarize({ ctx, route, record, client }, startedAt), ctx); });
    },
  };
}

/** Answers with an error of the gateway's own, where no head went out yet; else breaks the response. */
export async function answerError(exchange: Exchange, error: FrontDoorError): Promise<void> {
  const { client, record, requestId } = exchange;
  record.outcome = error.outcome;
  record.errorCode = error.code;
  record.error = error;
  if (client.headSent() || error.outcome === 'client_gone' || error.outcome === 'client_stalled') {
    client.destroy();
    return;
  }
  const { status, headers, body } = openAiErrorResponse(error);
  const identified: Record<string, string> = requestId === undefined ? {} : { 'request-id': requestId, 'x-request-id': requestId };
  const fields = { ...headers, ...identified, 'content-length': String(Buffer.byteLength(body)) };
  client.writeHead(status, Object.entries(fields).flat());
  await client.end(body);
}
