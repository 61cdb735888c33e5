import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Dispatcher } from 'undici';
import { createBodyWriter, type BodyWriter } from './create-body-writer.ts';
import { breakAfter, breakConnection } from './break-connection.ts';
import { createFrameBoundary } from '../frames/frame-boundary.ts';
import { createEventBoundary, type EventBoundary } from './event-boundary.ts';
import { GuardedObserver, waitAtMost } from './guarded-observer.ts';
import { hasClientLeft } from './has-client-left.ts';
import { KeepAliveComments } from './keep-alive-comments.ts';
import { flatRawHeaders } from './raw-headers.ts';
import { relayEarlyHints } from './relay-early-hints.ts';
import { asError, RelayError } from './relay-error.ts';
import { checkRelayOptions, checkSpanMs, DEFAULT_RELAY_TIMEOUTS, type RelayOptions } from './relay-options.ts';
import { RelayRecord } from './relay-record.ts';
import type { RelayEnd, RelayProgress } from './relay-result.ts';
import { relayTrailers } from './relay-trailers.ts';
import { describeResponse, UNKNOWN_RESPONSE } from './response-description.ts';
import { writeResponseHead, type BodyDelimiter } from './write-response-head.ts';
import { StallClock } from './stall-clock.ts';

/** An undici dispatch handler that relays one upstream response to one client response. */
export interface RelayHandler extends Dispatcher.DispatchHandler {
  /** Breaks the response (a drain deadline): before its head nothing is written, after it the failure rule applies. */
  interrupt(reason: string): void;
  /** How far the response has come; for an observer that asks now and then. */
  progress(): RelayProgress;
  /** Instead of `onResponseData`: a whole chunk (RFC 9112 section 7.1) without leading zeros and extension, its data from `start` to `end`. `receivedAt` is `performance.now()` milliseconds. */
  onFramedData(controller: Dispatcher.DispatchController, framed: Buffer, start: number, end: number, receivedAt: number): void;
}

/** `waiting` for the head; `relaying` the body; `ending`: whole, on its way to the client; `breaking`: cut, likewise; `settled`. */
type Phase = 'waiting' | 'relaying' | 'ending' | 'breaking' | 'settled';

const ignore = (): void => undefined;

/** The parsed fields, and the socket's buffer behind them, would be held for as long as the stream lasts. A controller may refuse. */
function releaseRawHeaders(controller: { rawHeaders?: unknown }): void {
  try {
    controller.rawHeaders = null;
  } catch {
    // Its fields have no setter.
  }
}

/**
 * Creates the handler for one client response; hand it to `dispatch` once. Throws `RelayError` `head_already_sent` when the
 * response is no longer ours to write, `invalid_option` and `unknown_option`.
 */
export function createRelayHandler(serverResponse: ServerResponse, options: RelayOptions): RelayHandler {
  if (serverResponse.headersSent) throw new RelayError('head_already_sent', 'the head of the client response was already sent');
  checkRelayOptions(options);
  return new Relay(serverResponse, options);
}

/** One class with fixed fields: undici takes handlers of any shape, the optimiser does not. */
class Relay extends RelayRecord implements RelayHandler {
  // First what each chunk needs.
  #phase: Phase = 'waiting';
  #writer: BodyWriter | undefined;
  /** Tracked for identity-encoded event streams only. */
  #boundary: EventBoundary | undefined;
  #keepAlive: KeepAliveComments | undefined;
  readonly #observer: GuardedObserver;
  readonly #response: ServerResponse;
  readonly #options: RelayOptions;
  readonly #clientStall: StallClock;
  readonly #failureLingerMs: number;
  readonly #observerGraceMs: number;
  #queuedOn: Socket | undefined;
  #headSent = false;
  #controller: Dispatcher.DispatchController | undefined;
  #description = UNKNOWN_RESPONSE;
  #isPaused = false;
  /** Whether only the end of the connection ends the body for this client (HTTP/1.0). */
  #isCloseDelimited = false;
  #linger: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, options: RelayOptions) {
    super();
    this.#response = response;
    this.#options = options;
    this.#observer = new GuardedObserver(options);
    this.#failureLingerMs = checkSpanMs('failureLingerMs', options.failureLingerMs ?? DEFAULT_RELAY_TIMEOUTS.failureLingerMs);
    this.#observerGraceMs = checkSpanMs('observerGraceMs', options.observerGraceMs ?? DEFAULT_RELAY_TIMEOUTS.observerGraceMs);
    const clientStallMs = checkSpanMs('clientStallMs', options.clientStallMs ?? DEFAULT_RELAY_TIMEOUTS.clientStallMs);
    this.#clientStall = new StallClock(clientStallMs, () => this.#stopAt('client_stalled', new RelayError('client_stalled', `the client read nothing for ${clientStallMs} ms`)));
    if (options.keepAlive !== undefined) checkSpanMs('keepAlive.intervalMs', options.keepAlive.intervalMs);
    response.on('close', this.#onClientClose);
    // A response still behind another on its connection (pipelining) has no event of its own when that connection closes.
    if (response.socket === null) this.#queuedOn = response.req.socket.once('close', this.#onClientClose);
    // A socket error is followed by `close`, which is where the relay acts on it.
    response.on('error', ignore);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#options.onStart?.(controller);
    if (this.#phase === 'settled') controller.abort(asError(this.error));
    else if (this.#response.destroyed) this.#onClientClose();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders, statusMessage?: string): void {
    if (this.#phase !== 'waiting') return;
    const rawHeaders = flatRawHeaders(controller.rawHeaders ?? headers);
    if (status < 200) {
      if (status === 103) relayEarlyHints(this.#response, rawHeaders);
      return;
    }
    releaseRawHeaders(controller);
    this.headAt = performance.now();
    this.status = status;
    let delimiter: BodyDelimiter;
    try {
      this.#description = describeResponse(status, rawHeaders, this.#response.req.method === 'HEAD');
      delimiter = writeResponseHead(this.#response, this.#options.onHead(status, rawHeaders, statusMessage ?? ''), this.#description.framing !== 'none');
    } catch (error) {
      this.#stopAt('refused', error);
      return;
    }
    this.#phase = 'relaying';
    this.#headSent = true;
    this.#isCloseDelimited = delimiter === 'close';
    if (delimiter !== 'none') this.#writer = createBodyWriter(this.#response, this.#onDrain, this.#onWriteError, this.#options.plain);
    if (this.#description.isEventStream && this.#description.isIdentity) this.#watchEvents();
    this.#observer.onHead(status, rawHeaders);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#phase === 'relaying') this.#relay(controller, chunk, performance.now());
  }

  onFramedData(controller: Dispatcher.DispatchController, framed: Buffer, start: number, end: number, receivedAt: number): void {
    if (this.#phase === 'relaying') this.#relay(controller, framed.subarray(start, end), receivedAt, framed);
  }

  #relay(controller: Dispatcher.DispatchController, chunk: Buffer, now: number, framed?: Buffer): void {
    this.recordChunk(chunk.length, now);
    try {
      if (this.#writer?.write(chunk, framed) === false) this.#pause(controller);
    } catch (error) {
      this.#break('upstream_failed', error);
      return;
    }
    this.#boundary?.update(chunk);
    this.#keepAlive?.restart(now);
    this.#observer.onChunk(chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#phase !== 'relaying') return;
    if (this.#description.framing !== 'close' || !this.#description.isEventStream || this.#options.sawStop === undefined) {
      this.#end(controller);
      return;
    }
    // Only the stop event tells the end of such a stream from a cut, and a compressed one must be decoded to its end first.
    this.#phase = 'ending';
    const ended = this.#observer.onEnd('complete');
    if (ended === undefined) this.#endIfStopped(controller);
    else void waitAtMost(ended, this.#observerGraceMs).then(() => this.#endIfStopped(controller));
  }

  /** undici gives no controller when the request never started. Must not throw. */
  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#phase !== 'waiting' && this.#phase !== 'relaying') return;
    // The client may have left first, its `close` still on the way.
    if (hasClientLeft(this.#response)) this.#onClientClose();
    else if (this.#phase === 'waiting') this.#stopAt('upstream_failed', error);
    else this.#break('upstream_failed', error);
  }

  interrupt(reason: string): void {
    const error = new RelayError('interrupted', reason);
    if (this.#phase === 'relaying') this.#break('interrupted', error);
    else if (this.#phase === 'breaking') breakConnection(this.#response, this.#isCloseDelimited);
    else this.#stopAt('interrupted', error);
  }

  progress(): RelayProgress {
    return { bodyBytes: this.bytes, isEventStream: this.#description.isEventStream, stalledAt: this.#clientStall.startedAt };
  }

  #watchEvents(): void {
    const { isFramed } = this.#description;
    this.#boundary = isFramed ? createFrameBoundary() : createEventBoundary();
    const { keepAlive } = this.#options;
    // Frames have no comments.
    if (!isFramed && keepAlive !== undefined && this.#writer !== undefined && this.#description.framing !== 'length') this.#keepAlive = new KeepAliveComments(this.#writer, this.#boundary, keepAlive.intervalMs);
  }

  #pause(controller: Dispatcher.DispatchController): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.pauses += 1;
    controller.pause();
    this.#clientStall.start();
  }

  readonly #onDrain = (): void => {
    if (!this.#isPaused || this.#phase !== 'relaying') return;
    this.#isPaused = false;
    this.#clientStall.stop();
    this.recordResume(performance.now());
    this.#controller?.resume();
  };

  readonly #onWriteError = (error: unknown): void => {
    if (this.#phase === 'relaying') this.#break('upstream_failed', error);
  };

  readonly #onClientClose = (): void => {
    if (this.#phase === 'breaking') this.#settle();
    else this.#stopAt('client_gone', new RelayError('client_gone', 'the client closed the connection'));
  };

  #endIfStopped(controller: Dispatcher.DispatchController): void {
    if (this.#phase !== 'ending') return;
    if (this.#options.sawStop?.() === false) this.#break('upstream_failed', new RelayError('truncated', 'the upstream closed the connection before the stop event'));
    else this.#end(controller);
  }

  #end(controller: Dispatcher.DispatchController): void {
    const response = this.#response;
    try {
      this.#writer?.release();
      if (this.#options.onTrailers !== undefined) relayTrailers(response, this.#options.onTrailers(flatRawHeaders(controller.rawTrailers)));
      response.end();
    } catch (error) {
      this.#break('upstream_failed', error);
      return;
    }
    this.#phase = 'ending';
    // The upstream's part is over and whole, whatever the client does with the rest: its usage counts.
    void this.#observer.onEnd('complete');
    // Ahead of node:http's own listener, which lets go of the socket. A finish on a destroyed one (Node 22) reached nobody.
    response.prependListener('finish', () => { if (response.socket?.destroyed === true) this.#onClientClose(); else this.#settle(); });
    if (response.writableLength > 0) this.#clientStall.start();
  }

  /** Ends everything at once: no byte more to the client, none from the upstream. */
  #stopAt(how: RelayEnd, error: unknown): void {
    if (this.#phase === 'settled') return;
    this.#cut(how, error);
    if (this.#headSent) breakConnection(this.#response, this.#isCloseDelimited);
    this.#settle();
  }

  /** The failure rule: after the head, say what happened where the protocol can, then break the connection. Never a clean end. */
  #break(how: 'upstream_failed' | 'interrupted', error: unknown): void {
    this.#cut(how, error);
    this.#handOver();
    const event = this.#failureEvent(how, error);
    this.failureEventSent = event !== undefined;
    this.#linger = breakAfter(this.#response, event, this.#failureLingerMs, this.#isCloseDelimited);
  }

  /** What a writer still holds was received before the failure; if even that cannot be written, the failure stands. */
  #handOver(): void {
    try {
      this.#writer?.release();
    } catch {
      this.#boundary = undefined;
    }
  }

  #cut(how: RelayEnd, error: unknown): void {
    this.#phase = 'breaking';
    this.recordEnd(how, error);
    // undici answers an abort with onResponseError before it returns; the phase is set by then.
    this.#controller?.abort(asError(error));
  }

  #failureEvent(how: 'upstream_failed' | 'interrupted', error: unknown): Uint8Array | undefined {
    if (this.#boundary?.isAtBoundary !== true || this.#description.framing === 'length') return undefined;
    try {
      const failure = { how, error, status: this.status };
      return this.#description.isFramed ? this.#options.failureFrame?.(failure) : this.#options.failureEvent?.(failure);
    } catch {
      return undefined;
    }
  }

  #settle(): void {
    if (this.#phase === 'settled') return;
    this.#phase = 'settled';
    this.#clientStall.dispose();
    this.#keepAlive?.dispose();
    clearTimeout(this.#linger);
    this.#response.off('close', this.#onClientClose);
    this.#queuedOn?.off('close', this.#onClientClose);
    const result = this.resultOf(this.#headSent, this.#description, this.#boundary?.isAtBoundary ?? false, this.#keepAlive?.sent ?? 0);
    const ended = this.#observer.onEnd(result.how);
    if (ended === undefined) this.#options.onSettled(result);
    else void waitAtMost(ended, this.#observerGraceMs).then(() => this.#options.onSettled(result));
  }
}
