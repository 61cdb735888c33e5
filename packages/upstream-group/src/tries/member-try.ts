import type { Buffer } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';
import { isUpstreamError, UpstreamError, type UpstreamController, type UpstreamHandler } from '@penstock/upstream-client';
import type { Dispatcher } from 'undici';
import type { CoolDown, CoolingReason } from '../health/cooling.ts';
import { ERROR_EFFECTS, statusTraits } from '../health/failure-effects.ts';
import { readRetryAfter } from '../health/retry-after.ts';
import type { Member } from '../resolve-settings.ts';
import { REFUSAL_BODY_MS, type KeptRefusal } from './kept-refusal.ts';

/** What decides about a try. */
export interface TryOwner {
  tryStarted(attempt: MemberTry): void;
  requestSent(): void;
  bodySent(chunk: Buffer): void;
  responseStarted(): void;
  head(attempt: MemberTry, status: number, headers: IncomingHttpHeaders, statusMessage: string | undefined): void;
  data(chunk: Buffer): void;
  framedData(framed: Buffer, start: number, end: number, receivedAt: number): void;
  end(trailers: IncomingHttpHeaders): void;
  refused(attempt: MemberTry, refusal: KeptRefusal, isWhole: boolean): void;
  failed(attempt: MemberTry, error: Error): void;
}

/** One sending of a request to one member: the handler of its client. After `drop` its owner hears nothing more of it. */
export class MemberTry implements UpstreamHandler {
  readonly member: Member;
  readonly beganAt: number;
  controller: UpstreamController | undefined;
  protected readonly owner: TryOwner;
  readonly #scope: string;
  #isOver = false;
  /** The refusal that is kept, or was. */
  kept: KeptRefusal | undefined;
  #bodyTimer: NodeJS.Timeout | undefined;
  #endProbe: (() => void) | undefined;

  /** Where the member is half-open, the try is its probe until its result is known. */
  constructor(owner: TryOwner, member: Member, scope: string, beganAt: number) {
    this.owner = owner;
    this.member = member;
    this.#scope = scope;
    this.beganAt = beganAt;
    this.#endProbe = member.health.beginProbe(scope, beganAt);
  }

  get isProbe(): boolean {
    return this.#endProbe !== undefined;
  }

  /** Whether nothing more is reported of it: it ended, or was dropped. */
  get isOver(): boolean {
    return this.#isOver;
  }

  onRequestStart(controller: UpstreamController): void {
    this.controller = controller;
    this.owner.tryStarted(this);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders, statusMessage?: string): void {
    if (!this.#isOver) this.owner.head(this, status, headers, statusMessage);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.kept === undefined) this.owner.data(chunk);
    else if (!this.kept.add(chunk)) this.#giveUpKeeping();
  }

  onFramedData(controller: Dispatcher.DispatchController, framed: Buffer, start: number, end: number, receivedAt: number): void {
    if (this.kept !== undefined) this.onResponseData(controller, framed.subarray(start, end));
    else if (!this.#isOver) this.owner.framedData(framed, start, end, receivedAt);
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.kept === undefined) {
      this.owner.end(trailers);
      return;
    }
    clearTimeout(this.#bodyTimer);
    this.kept.trailers = trailers;
    this.owner.refused(this, this.kept, true);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#bodyTimer);
    if (this.kept === undefined) this.owner.failed(this, error);
    else this.owner.refused(this, this.kept, false);
  }

  /** Keeps the response, whose head came, instead of passing it on. */
  keep(refusal: KeptRefusal): void {
    this.kept = refusal;
    this.#bodyTimer = setTimeout(() => { this.#giveUpKeeping(); }, REFUSAL_BODY_MS);
    this.#bodyTimer.unref();
  }

  /** Ends the try; what follows of it is not reported. */
  drop(error?: Error): void {
    this.finish();
    clearTimeout(this.#bodyTimer);
    if (this.#isOver) return;
    this.#isOver = true;
    this.controller?.abort(error ?? new UpstreamError('another try of the request is its answer', { code: 'aborted', phase: this.controller.phase }));
  }

  /** What it says of its member is known: it is no probe any more. */
  finish(): void {
    if (this.#endProbe === undefined) return;
    this.#endProbe();
    this.#endProbe = undefined;
  }

  /** How long it waited for a connection of the pool, in milliseconds. */
  slotWaitMs(): number {
    const { enqueuedAt, acquiredAt = performance.now() } = this.controller?.timings ?? {};
    return enqueuedAt === undefined ? 0 : acquiredAt - enqueuedAt;
  }

  /** Notes what the status of a response shows of the member. */
  noteStatus(status: number, fields: readonly string[], coolDown: CoolDown): void {
    const { effect, reason } = statusTraits(status);
    const { health } = this.member;
    if (effect !== 'none') health.failed(effect, this.#scope, { reason, beganAt: this.beganAt, now: performance.now(), coolDown, retryAfterMs: readRetryAfter(fields, Date.now()) });
    // Of most members no failure is remembered, which a success would have to end.
    if (effect !== 'member' && status < 500 && !health.isWell(this.#scope)) health.succeeded(effect === 'scope' ? undefined : this.#scope, this.beganAt, performance.now());
    this.finish();
  }

  /** Notes what an error before the head of a response shows of the member. An upstream that closes a connection that was idle is not ill. */
  noteError(error: Error, coolDown: CoolDown): void {
    const code = isUpstreamError(error) ? error.code : undefined;
    const isClosedIdle = code === 'reset' && this.controller?.reusedConnection === true;
    if (code !== undefined && ERROR_EFFECTS[code] === 'member' && !isClosedIdle) this.noteIll(code, coolDown);
  }

  /** Notes a failure of the member as a whole. */
  noteIll(reason: CoolingReason, coolDown: CoolDown): void {
    this.member.health.failed('member', this.#scope, { reason, beganAt: this.beganAt, now: performance.now(), coolDown, retryAfterMs: 0 });
  }

  #giveUpKeeping(): void {
    const refusal = this.kept;
    if (refusal === undefined || this.#isOver) return;
    this.drop();
    this.owner.refused(this, refusal, false);
  }
}
