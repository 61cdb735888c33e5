import { performance } from 'node:perf_hooks';
import { ChunkList } from '@penstock/inbound-server';
import type { BackendResponse } from '@penstock/openai-front-door';
import type { UpstreamController } from '@penstock/upstream-client';
import type { Dispatcher } from 'undici';
import { isEventStreamType } from '../body/event-stream-type.ts';
import type { BackendProgress } from './open-front-door-request.ts';
import type { UpstreamTarget, UpstreamTrace } from '../request/request-trace.ts';

/** Bytes that may wait for the translation before the upstream is paused. */
const MAX_QUEUED_BYTES = 64 * 1024;

/** What watches upstream responses beside the byte path. */
export interface ResponseWatcher {
  /** Begins the span of an outbound request, where tracing is on. */
  beginTrace(target: UpstreamTarget, headers: string[]): UpstreamTrace | undefined;
  onHead(rawHeaders: readonly string[], status: number): void;
  onStreamOpened(): void;
  onStreamClosed(): void;
}

/** What the backend adds to a watcher: the error that a failure becomes for the caller that waits for the response. */
export interface BackendWatcher extends ResponseWatcher {
  describeFailure(error: Error): Error;
}

/**
 * A dispatch handler that turns one upstream response into what the front door's backend port returns: the head as a promise,
 * the body as an iterable with back-pressure. Ending the iteration early cancels the upstream request.
 */
export class ResponseBody implements Dispatcher.DispatchHandler, AsyncIterableIterator<Uint8Array> {
  readonly #signal: AbortSignal;
  readonly #watcher: BackendWatcher;
  readonly #trace: UpstreamTrace | undefined;
  readonly #onSent: ((at: number) => void) | undefined;
  #isStream = false;
  #bytes = 0;
  /** Since when the upstream is paused. */
  #pausedAt: number | undefined;
  /** Until it is settled: its fields would be held for as long as the body streams. */
  #head: PromiseWithResolvers<BackendResponse> | undefined = Promise.withResolvers<BackendResponse>();
  #controller: Dispatcher.DispatchController | undefined;
  readonly #waiting = new ChunkList();
  /** Taken of those that waited, and not read yet. */
  #taken: Uint8Array[] = [];
  #isDone = false;
  #error: unknown;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal, watcher: BackendWatcher, trace: UpstreamTrace | undefined, onSent?: (at: number) => void) {
    this.#onSent = onSent;
    this.#trace = trace;
    this.#signal = signal;
    this.#watcher = watcher;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The head of the response, to be asked for before the request is dispatched. */
  get head(): Promise<BackendResponse> {
    if (this.#head === undefined) throw new Error('the head of this response is settled');
    return this.#head.promise;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) this.#onAbort();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return;
    this.#controller = controller;
    const rawHeaders = (controller.rawHeaders as Buffer[]).map((text) => text.toString('latin1'));
    this.#isStream = isEventStream(rawHeaders);
    this.#trace?.answered(status);
    this.#watcher.onHead(rawHeaders, status);
    if (this.#isStream) this.#watcher.onStreamOpened();
    this.#noteSent();
    // undici would hold the fields, and the socket's buffer behind them, as long.
    controller.rawHeaders = null;
    this.#head?.resolve({ status, rawHeaders, body: this });
    this.#head = undefined;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#waiting.append(chunk);
    if (this.#waiting.byteLength > MAX_QUEUED_BYTES) {
      this.#pausedAt ??= performance.now();
      controller.pause();
    }
    this.#wake?.();
  }

  onResponseEnd(): void {
    this.#finish(undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#noteSent();
    const failure = this.#watcher.describeFailure(error);
    this.#head?.reject(failure);
    this.#head = undefined;
    this.#finish(failure);
  }

  progress(): BackendProgress {
    return { timings: (this.#controller as Partial<UpstreamController> | undefined)?.timings, bytes: this.#bytes, isEventStream: this.#isStream, stalledAt: this.#pausedAt };
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.#taken.length === 0 && this.#waiting.byteLength === 0) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#isDone) return { done: true, value: undefined };
      await new Promise<void>((resolve) => { this.#wake = resolve; });
      this.#wake = undefined;
    }
    if (this.#taken.length === 0) this.#taken = this.#waiting.take();
    const value = this.#taken.shift() as Uint8Array;
    if (this.#controller?.paused === true && this.#taken.length === 0 && this.#waiting.byteLength === 0) {
      this.#pausedAt = undefined;
      this.#controller.resume();
    }
    return { done: false, value };
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#isDone) this.#controller?.abort(new Error('the response is not read to its end'));
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#signal.reason;
    const error = reason instanceof Error ? reason : new Error('the request was aborted');
    this.#error ??= error;
    this.#controller?.abort(error);
    this.#wake?.();
  };

  /** The controller of the upstream client knows when the request was sent; undici's own, on a request that never got one, does not. */
  #noteSent(): void {
    const sentAt = (this.#controller as Partial<UpstreamController> | undefined)?.timings?.sentAt;
    if (sentAt !== undefined) this.#onSent?.(sentAt);
  }

  #finish(error: unknown): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#trace?.finished(error);
    if (!this.#isDone && this.#isStream) this.#watcher.onStreamClosed();
    this.#isDone = true;
    this.#error ??= error;
    this.#wake?.();
  }
}

function isEventStream(rawHeaders: readonly string[]): boolean {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === 'content-type') return isEventStreamType(rawHeaders[index + 1] ?? '');
  }
  return false;
}
