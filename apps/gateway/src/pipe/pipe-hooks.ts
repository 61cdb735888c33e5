import { Buffer } from 'node:buffer';
import type { DroppedHeader } from '@penstock/header-policy';
import type { ExchangeHooks } from '@penstock/proxy';
import type { RelayFailure, RelayHead } from '@penstock/sse-relay';
import { isEventStreamType } from '../body/event-stream-type.ts';
import type { PipedExchange } from './piped-exchange.ts';
import type { PipeRuntime, PipeSettings } from './pipe-runtime.ts';

/** What the hooks need. */
export type HookRuntime = Omit<PipeRuntime, 'first'> & PipeSettings;

/** What a side adds to the exchange with the upstream (phase 8): fields of the response, metrics, the release of the request's memory. */
export class PipeHooks implements ExchangeHooks<PipedExchange> {
  readonly #runtime: HookRuntime;

  constructor(runtime: HookRuntime) {
    this.#runtime = runtime;
  }

  onHead(head: RelayHead, exchange: PipedExchange, rawHeaders: readonly string[]): RelayHead | undefined {
    const runtime = this.#runtime;
    const { inbound } = exchange;
    const headers = head.rawHeaders;
    inbound.trace?.answered(head.status);
    const { served } = exchange;
    served?.state.headSeen(head.status, rawHeaders, exchange.credentialGeneration);
    exchange.isCredentialRefused = served?.state.refusesCredential(head.status, rawHeaders) === true;
    if (runtime.ownsCredential) runtime.metrics.quotaSeen(rawHeaders, served?.name);
    const facts = readResponseFacts(headers);
    exchange.upstreamRequestId = facts.requestId;
    if (facts.isEventStream) {
      exchange.upstreamRequestId = detached(facts.requestId);
      if (!facts.hasCacheControl) headers.push('cache-control', 'no-cache');
      if (!facts.hasAccelBuffering) headers.push('x-accel-buffering', 'no');
      exchange.isStreamOpen = true;
      runtime.metrics.streamOpened(exchange.side);
      if (inbound.request.complete) inbound.releaseFields();
    }
    if (exchange.isCredentialRefused && runtime.explainsCredential) return undefined;
    if (exchange.budget !== undefined) runtime.budgets?.putStanding(headers, exchange.budget, head.status);
    headers.push('x-penstock-request-id', inbound.id);
    for (const text of inbound.responseFields) headers.push(text);
    // Nothing of the request is held while the answer streams.
    exchange.bytes?.release();
    return head;
  }

  onDropped(dropped: readonly DroppedHeader[]): void {
    this.#runtime.metrics.headersDropped('response', dropped);
  }

  closesConnection(): boolean {
    return this.#runtime.lifecycle.isLeaving;
  }

  failureEvent(failure: RelayFailure, { inbound }: PipedExchange): Uint8Array | undefined {
    return this.#runtime.breaksWithEvent ? this.#runtime.failureEvent?.(failure, inbound.id) : undefined;
  }

  failureFrame(failure: RelayFailure): Uint8Array | undefined {
    return this.#runtime.breaksWithEvent ? this.#runtime.failureFrame?.(failure) : undefined;
  }

  /** Without an observer no stop event is looked for, and the end of the connection is taken as the end. */
  sawStop({ observer }: PipedExchange): boolean {
    return observer?.sawStop ?? true;
  }

  onObserverError(error: unknown): void {
    this.#runtime.metrics.observerError('relay', error);
  }
}

/** The same text in memory of its own: a piece of a head keeps all of it alive, here for as long as the stream lasts. */
function detached(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text, 'latin1').toString('latin1');
}

interface ResponseFacts {
  readonly isEventStream: boolean;
  readonly hasCacheControl: boolean;
  readonly hasAccelBuffering: boolean;
  readonly requestId: string | undefined;
}

function readResponseFacts(headers: readonly string[]): ResponseFacts {
  let isEventStream = false;
  let hasCacheControl = false;
  let hasAccelBuffering = false;
  let requestId: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    switch (name.length) {
      case 10:
        if (name.toLowerCase() === 'request-id') requestId = headers[index + 1];
        break;
      case 12:
        if (name.toLowerCase() === 'content-type') isEventStream = isEventStreamType(headers[index + 1] as string);
        break;
      case 13:
        if (name.toLowerCase() === 'cache-control') hasCacheControl = true;
        break;
      case 16:
        // Beside the id of the API, wherever they stand, that of AWS is not the one to ask Anthropic about.
        if (name.toLowerCase() === 'x-amzn-requestid') requestId ??= headers[index + 1];
        break;
      case 17:
        if (name.toLowerCase() === 'x-accel-buffering') hasAccelBuffering = true;
        break;
      default:
    }
  }
  return { isEventStream, hasCacheControl, hasAccelBuffering, requestId };
}
