import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Client, Dispatcher } from 'undici';
import { classifyConnectError } from '../connect/classify-connect-error.ts';
import type { UpstreamController } from '../dispatch-options.ts';
import { readAfterWriteError } from '../node/read-after-write-error.ts';
import { isFlushed, type Slot, type SlotHolder } from '../pool/slot.ts';
import { errorCode, thrownError } from '../thrown.ts';
import { isPauseArtefact } from '../undici/quirks.ts';
import { currentRead } from '../undici/bypass-read-buffer.ts';
import { takeChunksDirectly, type ChunkTaker } from '../undici/direct-chunks.ts';
import { readRawHead, type RawHeadReader } from '../undici/raw-head.ts';
import { expectHead } from '../undici/short-head.ts';
import type { AcquisitionSource, DisconnectReason, RejectionReason } from '../upstream-events.ts';
import { classifyExchangeError, REJECTION_CODES, upstreamError } from './classify-error.ts';
import { CloseDelimitedBody, isCloseDelimited } from './close-delimited.ts';
import type { Timed } from './deadline-clock.ts';
import { ExchangeState } from './exchange-state.ts';
import { callData, callEnd, callError, callFramed, callHead, callStep } from './handler-calls.ts';
import { prepareRequest, prepareTimeouts } from './prepare-request.ts';
import { lintResponseHead } from './response-lint.ts';
import { countTurn, type TurnTaker } from './response-turns.ts';
import { sentOptions, type SentBody } from './sent-options.ts';
import { textFields } from './text-fields.ts';
import { WriteStallBody, type BodySender } from './write-stall-body.ts';

/** A connection that died unused is replaced once; a second time says something about the upstream. */
const MAX_RECONNECTS = 1;

/**
 * One request and its response: the handler undici calls, and the controller the caller holds. Each method is a step from one state to the next.
 *
 * It settles exactly once, by `onResponseEnd` or by `fail`; from then on `phase` is `done`, no clock runs, the slot is given back, and the handler
 * is not called again.
 */
export class Exchange extends ExchangeState implements SlotHolder, Timed, RawHeadReader, UpstreamController, BodySender, TurnTaker, ChunkTaker, Dispatcher.DispatchHandler {
  /** Calls `onRequestStart` of the handler, then asks for a slot. */
  start(): void {
    try {
      this.handler.onRequestStart?.(this, null);
      if (this.phase === 'done') return;
      this.request = prepareRequest(this.options, this.context.url);
      this.timeouts = prepareTimeouts(this.options, this.timeouts);
    } catch (error) {
      this.fail(thrownError(error));
      return;
    }
    this.context.clock.add(this);
    this.context.pool.acquire(this);
    if (this.phase === 'waiting') this.context.clock.set(this, this.timings.enqueuedAt, this.timeouts.slotWaitMs);
  }

  /** One deadline at a time, and the phase says which clock it belongs to. */
  onDeadline(): void {
    if (this.phase === 'waiting') this.onRejected('timeout');
    else this.fail(this.error(this.phase === 'receiving' ? 'idle_timeout' : 'headers_timeout'));
  }

  abort(reason: Error): void {
    if (this.phase === 'done') return;
    this.aborted = true;
    this.fail(reason ?? this.error('aborted'));
  }

  pause(): void {
    if (this.phase === 'done') return;
    this.paused = true;
    if (this.phase === 'receiving') this.deadline = Number.POSITIVE_INFINITY;
    this.upstream?.pause();
  }

  resume(): void {
    if (!this.paused || this.phase === 'done') return;
    this.paused = false;
    if (this.phase === 'receiving') this.context.clock.set(this, performance.now(), this.timeouts.idleMs);
    if (!this.isYielding) this.upstream?.resume();
  }

  onAcquired(_slot: Slot, source: AcquisitionSource, now: number): void {
    this.deadline = Number.POSITIVE_INFINITY;
    this.phase = 'connecting';
    this.timings.acquiredAt = now;
    if (this.context.wants('acquired')) this.context.notify('acquired', { waitMs: now - this.timings.enqueuedAt, source });
  }

  onConnected(slot: Slot, client: Client, now: number): void {
    this.timings.connectedAt = now;
    this.reusedConnection = slot.requestCount > 0;
    slot.requestCount += 1;
    client.dispatch(sentOptions(this.options, this.request, this.openBody(), this.context.servername), this);
    expectHead(slot.socket, this.options.responseFields === 'raw' && !this.context.isPlain && readRawHead(client, this));
  }

  onConnectFailed(error: Error): void {
    this.fail(upstreamError(classifyConnectError(error).code, 'connecting', this.operation(), errorCode(error) || undefined, error));
  }

  onRejected(reason: RejectionReason): void {
    this.context.notify('rejected', { reason });
    this.fail(this.error(REJECTION_CODES[reason]));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.phase === 'done') {
      controller.abort(this.reason ?? this.error('aborted'));
      return;
    }
    this.upstream = controller;
    this.phase = 'sending';
    if (this.paused) controller.pause();
    if (this.slot === undefined) return;
    this.slot.awaitsHead = true;
    this.slot.headBytesFrom = -1;
    this.slot.answerMs = -1;
  }

  onWriteStall(): void {
    this.fail(this.error('write_timeout'));
  }

  isFlushed(): boolean {
    return isFlushed(this.slot?.socket);
  }

  onHeadOverflow(): void {
    this.fail(this.error('invalid_response', 'head too large'));
  }

  takeRawHead(fields: string[]): void {
    this.rawHead = fields;
  }

  onBodySent(chunk: Buffer): void {
    if (this.phase !== 'done') this.failWith(callStep(this.handler, 'onBodySent', chunk));
  }

  onRequestSent(): void {
    if (this.phase === 'done') return;
    // The response may have come before the request was sent.
    const now = (this.timings.sentAt = performance.now());
    if (this.phase === 'sending') {
      this.phase = 'awaiting_head';
      this.context.clock.set(this, now, this.timeouts.headersMs);
    }
    if (this.options.longLived === 'upload') this.context.pool.endLongLived(this);
    this.failWith(callStep(this.handler, 'onRequestSent'));
  }

  /** The first byte of a response, and of each 1xx before it. */
  onResponseStarted(): void {
    // What was streamed may be answered before its end, and what follows a 1xx response comes when it comes.
    const isTimed = this.phase === 'awaiting_head' && this.informational === 0 && this.body === undefined;
    if (isTimed && this.slot !== undefined && !this.context.pool.rest.isPossible(this.slot, performance.now() - (this.timings.sentAt ?? 0))) {
      this.fail(this.error('reset', 'bytes that came too soon for an answer'), 'early_answer');
      return;
    }
    if (this.phase !== 'done') this.failWith(callStep(this.handler, 'onResponseStarted'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders, statusMessage?: string): void {
    if (this.phase === 'done') return;
    if (this.options.responseFields === 'raw' && this.rawHead === undefined && Array.isArray(this.rawHeaders)) this.rawHead = textFields(this.rawHeaders);
    if (status < 200 && status > 101) {
      this.onInformational(status, headers, statusMessage);
      return;
    }
    const defect = lintResponseHead(status, headers, this.rawHeaders, statusMessage, this.context.limits);
    if (defect !== undefined) {
      this.fail(this.error('invalid_response', defect));
      return;
    }
    this.phase = 'receiving';
    if (this.slot !== undefined) this.slot.awaitsHead = false;
    if (isCloseDelimited(this.method, status, headers, this.rawHeaders)) this.closeDelimited = new CloseDelimitedBody(this.slot?.socket, textFields(this.rawHeaders), this.context.closeDelimitedCheck);
    this.body?.stopClock();
    this.releaseRequest();
    if (this.slot?.socket !== undefined && !this.context.isPlain && !this.slot.isMultiplexed) this.directChunks = takeChunksDirectly(this.slot.socket, this);
    const now = performance.now();
    this.timings.headAt = now;
    if (this.paused) this.deadline = Number.POSITIVE_INFINITY;
    else this.context.clock.set(this, now, this.timeouts.idleMs);
    this.failWith(callHead(this.handler, this, status, headers, statusMessage));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.phase !== 'receiving' || isPauseArtefact(chunk)) return;
    if (!this.paused) this.context.clock.set(this, performance.now(), this.timeouts.idleMs);
    this.closeDelimited?.update(chunk);
    this.noteData(chunk);
    this.failWith(callData(this.handler, this, chunk));
    countTurn(this, controller, chunk.byteLength);
  }

  takesChunks(): boolean {
    return this.phase === 'receiving' && !this.paused && !this.isYielding;
  }

  takeChunk(data: Buffer): void {
    this.context.clock.set(this, performance.now(), this.timeouts.idleMs);
    this.failWith(callData(this.handler, this, data));
    countTurn(this, this.upstream as Dispatcher.DispatchController, data.byteLength);
  }

  takeFramed(framed: Buffer, start: number, end: number): void {
    const now = performance.now();
    this.context.clock.set(this, now, this.timeouts.idleMs);
    this.failWith(callFramed(this.handler, this, framed, start, end, now));
    countTurn(this, this.upstream as Dispatcher.DispatchController, end - start);
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.phase === 'done') return;
    // undici takes whatever ends the connection for the end of a body that has no other.
    const defect = this.slot?.socketError === undefined ? this.closeDelimited?.defect() : errorCode(this.slot.socketError);
    if (defect !== undefined) {
      this.fail(this.error('truncated', defect), 'failed');
      return;
    }
    this.settle();
    this.context.pool.release(this);
    const thrown = callEnd(this.handler, this, trailers);
    if (thrown !== undefined) this.report(thrown);
  }

  /** undici's failures; before `onRequestStart` nothing was written, and the request may go to another connection. */
  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.phase === 'done') return;
    if (this.body?.failure !== undefined) {
      this.fail(this.error('aborted', 'its body failed', this.body.failure));
      return;
    }
    const classified = classifyExchangeError(error, this.phase, this.operation());
    if (this.upstream === undefined && classified.code === 'reset' && this.reconnects < MAX_RECONNECTS && this.slot !== undefined) {
      this.reconnects += 1;
      this.context.pool.reconnect(this);
      return;
    }
    this.fail(classified, classified.code === 'reset' && this.reusedConnection ? 'reset_on_reuse' : 'failed');
  }

  /** Ends the request with an error, in whatever phase it is; safe to call from any of its own callbacks. */
  fail(error: Error, reason: DisconnectReason = 'aborted'): void {
    if (this.phase === 'done') return;
    this.reason = error;
    this.settle();
    if (this.slot !== undefined) this.slot.closeReason ??= reason;
    this.body?.giveUp(this.context.onHandlerError);
    this.upstream?.abort(error);
    this.context.pool.abandon(this, reason);
    this.report(error);
  }

  onShutdown(error: Error | null): void {
    this.fail(error ?? this.error('draining'), 'shutdown');
  }

  private openBody(): SentBody {
    const { body } = this.request;
    if (body.kind === 'whole') return body.body;
    if (this.slot?.socket !== undefined) readAfterWriteError(this.slot.socket);
    // After a reconnect the same body goes on: nothing of it was read, since nothing was written.
    this.body ??= new WriteStallBody(body.source, this.timeouts.writeStallMs, this);
    return this.body;
  }

  private noteData(chunk: Buffer): void {
    const socket = this.slot?.socket;
    if (this.directChunks === undefined || socket === undefined) return;
    const read = currentRead(socket);
    if (read !== undefined) this.directChunks.noteData(read, chunk);
  }

  private settle(): void {
    this.context.clock.delete(this);
    this.phase = 'done';
    this.closeDelimited?.stop();
    this.directChunks?.release();
    const { acquiredAt } = this.timings;
    if (acquiredAt !== undefined && this.context.wants('released')) this.context.notify('released', { heldMs: performance.now() - acquiredAt });
  }

  private onInformational(status: number, headers: IncomingHttpHeaders, statusMessage: string | undefined): void {
    this.informational += 1;
    if (this.informational > this.context.limits.maxInformational) {
      this.fail(this.error('invalid_response', 'too many 1xx responses'));
      return;
    }
    if (status === 103) this.failWith(callHead(this.handler, this, status, headers, statusMessage));
    this.rawHead = undefined;
  }

  private failWith(thrown: Error | undefined): void {
    if (thrown !== undefined) this.fail(thrown);
  }

  private report(error: Error): void {
    const thrown = callError(this.handler, this, error);
    if (thrown !== undefined) this.context.onHandlerError(thrown);
  }
}
