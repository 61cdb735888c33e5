import { STATUS_CODES, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { breakConnection } from './break-connection.ts';
import { createEventBoundary, type EventBoundary } from './event-boundary.ts';
import { flatRawHeaders } from './raw-headers.ts';
import { RelayError } from './relay-error.ts';
import { DEFAULT_RELAY_OPTIONS, readDurationMs, type BodyObserver, type RelayHead, type RelayOptions } from './relay-options.ts';
import type { RelayEnd } from './relay-result.ts';
import { describeResponse, type ResponseDescription } from './response-description.ts';
import { createStallClock, type StallClock } from './stall-clock.ts';

/** An undici dispatch handler that relays one upstream response to one client response. */
export interface RelayHandler extends Dispatcher.DispatchHandler {
  /** Breaks the response honestly (a drain deadline): before its head nothing is written, after it the failure rule applies. */
  interrupt(reason: string): void;
}

type Phase = 'waiting' | 'relaying' | 'ending' | 'breaking' | 'settled';

const EMPTY = Buffer.alloc(0);
const NOTHING_YET: ResponseDescription = { framing: 'none', isEventStream: false, isIdentity: true, hasForeignTransferCoding: false };
const PRINTABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Creates the handler for one client response; hand it to `dispatch` once. Throws `RelayError` `head_already_sent` when the
 * response is no longer ours to write, and `invalid_option`.
 */
export function createRelayHandler(serverResponse: ServerResponse, options: RelayOptions): RelayHandler {
  if (serverResponse.headersSent) throw new RelayError('head_already_sent', 'the head of the client response was already sent');
  return new Relay(serverResponse, options);
}

/** One class with fixed fields: undici takes handlers of any shape, the optimiser does not. */
class Relay implements RelayHandler {
  readonly #response: ServerResponse;
  readonly #options: RelayOptions;
  readonly #failureLingerMs: number;
  readonly #clientStall: StallClock;
  #phase: Phase = 'waiting';
  #controller: Dispatcher.DispatchController | undefined;
  #observer: BodyObserver | undefined;
  #boundary: EventBoundary | undefined;
  #description = NOTHING_YET;
  #status = 0;
  #isPaused = false;
  /** Whether only the end of the connection ends the body for this client (HTTP/1.0). */
  #isCloseDelimited = false;
  #linger: NodeJS.Timeout | undefined;
  #how: RelayEnd = 'complete';
  #error: unknown;
  #headAt: number | undefined;
  #firstByteAt: number | undefined;
  #endedAt: number | undefined;
  /** When the last chunk came or the upstream was resumed, whichever is later; a gap is measured from it. */
  #movedAt = 0;
  #largestGapMs = 0;
  #bodyBytes = 0;
  #pauses = 0;
  #failureEventSent = false;

  constructor(response: ServerResponse, options: RelayOptions) {
    this.#response = response;
    this.#options = options;
    this.#observer = options.observer;
    this.#failureLingerMs = readDurationMs('failureLingerMs', options.failureLingerMs, DEFAULT_RELAY_OPTIONS.failureLingerMs);
    const clientStallMs = readDurationMs('clientStallMs', options.clientStallMs, DEFAULT_RELAY_OPTIONS.clientStallMs);
    this.#clientStall = createStallClock(clientStallMs, () => this.#stopAt('client_stalled', new RelayError('client_stalled', `the client read nothing for ${clientStallMs} ms`)));
    response.once('close', this.#onClientClose);
    // A socket error is followed by `close`, which is where the relay acts on it.
    response.on('error', () => undefined);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#phase === 'settled') controller.abort(asError(this.#error));
    else if (this.#response.destroyed) this.#onClientClose();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders, statusMessage?: string): void {
    if (status < 200 || this.#phase !== 'waiting') return;
    this.#headAt = performance.now();
    this.#status = status;
    const rawHeaders = flatRawHeaders(controller.rawHeaders ?? headers);
    this.#description = describeResponse(status, rawHeaders, this.#response.req.method === 'HEAD');
    try {
      if (this.#description.hasForeignTransferCoding) throw new RelayError('invalid_response', 'the upstream used a transfer coding other than chunked');
      const head = this.#options.onHead(status, rawHeaders, statusMessage ?? '');
      if (head === undefined) throw new RelayError('refused', 'the response was refused by onHead');
      this.#writeHead(head);
    } catch (error) {
      this.#stopAt('refused', error);
      return;
    }
    if (this.#description.isEventStream && this.#description.isIdentity) this.#boundary = createEventBoundary();
    this.#observe((observer) => observer.onHead?.(status, rawHeaders));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#phase !== 'relaying') return;
    const now = performance.now();
    if (this.#firstByteAt === undefined) this.#firstByteAt = now;
    else if (now - this.#movedAt > this.#largestGapMs) this.#largestGapMs = now - this.#movedAt;
    this.#movedAt = now;
    try {
      if (!this.#response.write(chunk)) this.#pause(controller);
    } catch (error) {
      this.#break('upstream_failed', error);
      return;
    }
    this.#bodyBytes += chunk.length;
    this.#boundary?.update(chunk);
    if (this.#observer === undefined) return;
    try {
      this.#observer.onChunk(chunk);
    } catch (error) {
      this.#dropObserver(error);
    }
  }

  onResponseEnd(): void {
    if (this.#phase !== 'relaying') return;
    if (this.#isCutByClose()) {
      this.#break('upstream_failed', new RelayError('truncated', 'the upstream closed the connection before the stop event'));
      return;
    }
    try {
      this.#response.end();
    } catch (error) {
      this.#break('upstream_failed', error);
      return;
    }
    this.#phase = 'ending';
    if (this.#response.writableFinished) this.#settle();
    else {
      this.#response.once('finish', () => this.#settle());
      this.#clientStall.start();
    }
  }

  /** undici gives no controller when the request never started. Must not throw. */
  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#phase === 'waiting') this.#stopAt('upstream_failed', error);
    else if (this.#phase === 'relaying') this.#break('upstream_failed', error);
  }

  interrupt(reason: string): void {
    const error = new RelayError('interrupted', reason);
    if (this.#phase === 'relaying') this.#break('interrupted', error);
    else if (this.#phase === 'breaking') breakConnection(this.#response, this.#isCloseDelimited);
    else this.#stopAt('interrupted', error);
  }

  #writeHead(head: RelayHead): void {
    const response = this.#response;
    const statusMessage = PRINTABLE.test(head.statusMessage) ? head.statusMessage : STATUS_CODES[head.status] ?? '';
    response.strictContentLength = true;
    try {
      response.writeHead(head.status, statusMessage, head.rawHeaders);
    } catch (error) {
      // A field that node:http will not send; the caller answers with an error of its own on a clean response.
      response.statusMessage = '';
      throw error;
    }
    this.#phase = 'relaying';
    this.#isCloseDelimited = this.#description.framing !== 'none' && !response.chunkedEncoding && !hasContentLength(head.rawHeaders);
    // An empty write sends the head at once and keeps latin1 bytes; flushHeaders() would send them as UTF-8.
    if (this.#description.framing !== 'none') response.write(EMPTY);
  }

  #pause(controller: Dispatcher.DispatchController): void {
    if (this.#isPaused) return;
    if (this.#pauses === 0) this.#response.on('drain', this.#onDrain);
    this.#isPaused = true;
    this.#pauses += 1;
    controller.pause();
    this.#clientStall.start();
  }

  readonly #onDrain = (): void => {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#clientStall.stop();
    this.#movedAt = performance.now();
    if (this.#phase === 'relaying') this.#controller?.resume();
  };

  readonly #onClientClose = (): void => {
    if (this.#phase === 'breaking') this.#settle();
    else if (!this.#response.writableFinished) this.#stopAt('client_gone', new RelayError('client_gone', 'the client closed the connection'));
  };

  #isCutByClose(): boolean {
    return this.#description.framing === 'close' && this.#description.isEventStream && this.#options.sawStop?.() === false;
  }

  /** Ends everything at once: no byte more to the client, none from the upstream. */
  #stopAt(how: RelayEnd, error: unknown): void {
    if (this.#phase === 'settled') return;
    const headSent = this.#phase !== 'waiting';
    this.#how = how;
    this.#error = error;
    this.#settle();
    this.#controller?.abort(asError(error));
    if (headSent) breakConnection(this.#response, this.#isCloseDelimited);
  }

  /** The failure rule: after the head, say what happened where the protocol can, then break the connection. Never a clean end. */
  #break(how: 'upstream_failed' | 'interrupted', error: unknown): void {
    this.#phase = 'breaking';
    this.#how = how;
    this.#error = error;
    this.#endedAt = performance.now();
    this.#controller?.abort(asError(error));
    const event = this.#failureEvent(how, error);
    if (event === undefined) {
      breakConnection(this.#response, this.#isCloseDelimited);
      return;
    }
    this.#response.write(event);
    this.#failureEventSent = true;
    // Breaking at once would let a client's HTTP stack throw the event away together with the connection.
    this.#linger = setTimeout(() => breakConnection(this.#response, this.#isCloseDelimited), this.#failureLingerMs);
  }

  #failureEvent(how: 'upstream_failed' | 'interrupted', error: unknown): Uint8Array | undefined {
    if (this.#boundary?.isAtBoundary !== true || this.#description.framing === 'length') return undefined;
    try {
      return this.#options.failureEvent?.({ how, error, status: this.#status });
    } catch {
      return undefined;
    }
  }

  #observe(call: (observer: BodyObserver) => void): void {
    if (this.#observer === undefined) return;
    try {
      call(this.#observer);
    } catch (error) {
      this.#dropObserver(error);
    }
  }

  #dropObserver(error: unknown): void {
    this.#observer = undefined;
    try {
      this.#options.onObserverError?.(error);
    } catch {
      // Nobody is left to tell; the bytes go on.
    }
  }

  #settle(): void {
    if (this.#phase === 'settled') return;
    const headSent = this.#phase !== 'waiting';
    this.#phase = 'settled';
    this.#clientStall.dispose();
    clearTimeout(this.#linger);
    this.#response.off('drain', this.#onDrain);
    this.#response.off('close', this.#onClientClose);
    this.#observe((observer) => observer.onEnd(this.#how));
    this.#options.onSettled({
      how: this.#how,
      headSent,
      ...(this.#error === undefined ? {} : { error: this.#error }),
      ...(this.#headAt === undefined ? {} : { status: this.#status, headAt: this.#headAt }),
      ...(this.#firstByteAt === undefined ? {} : { firstByteAt: this.#firstByteAt }),
      bodyBytes: this.#bodyBytes,
      framing: this.#description.framing,
      isEventStream: this.#description.isEventStream,
      atBoundary: this.#boundary?.isAtBoundary ?? false,
      endedAt: this.#endedAt ?? performance.now(),
      largestGapMs: this.#largestGapMs,
      pauses: this.#pauses,
      failureEventSent: this.#failureEventSent,
    });
  }
}

function hasContentLength(rawHeaders: readonly string[]): boolean {
  return rawHeaders.some((part, index) => index % 2 === 0 && part.length === 14 && part.toLowerCase() === 'content-length');
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new RelayError('interrupted', 'the relay ended', { cause: error });
}
