import type { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import type { RequestPhase, RequestTimings, UpstreamController, UpstreamHandler } from '@penstock/upstream-client';
import type { MemberTry } from './member-try.ts';
import type { Replay } from './replay.ts';

type RawFields = Exclude<UpstreamController['rawHeaders'], undefined>;

/**
 * What the caller reads of a request to a group: that of the try which is its answer, and before there is one, of the current try. Steps and data of a try
 * are given to the caller's handler as they come.
 */
export abstract class GroupController implements UpstreamController {
  aborted = false;
  paused = false;
  reason: Error | null = null;
  protected readonly enqueuedAt: number = performance.now();
  protected isDone = false;
  protected current: MemberTry | undefined;
  protected replayed: Replay | undefined;
  protected readonly handler: UpstreamHandler;

  constructor(handler: UpstreamHandler) {
    this.handler = handler;
  }

  abstract abort(reason: Error): void;
  abstract pause(): void;
  abstract resume(): void;

  requestSent(): void {
    this.handler.onRequestSent?.();
  }

  bodySent(chunk: Buffer): void {
    this.handler.onBodySent?.(chunk);
  }

  responseStarted(): void {
    this.handler.onResponseStarted?.();
  }

  data(chunk: Buffer): void {
    this.handler.onResponseData?.(this, chunk);
  }

  framedData(framed: Buffer, start: number, end: number, receivedAt: number): void {
    if (this.handler.onFramedData === undefined) this.data(framed.subarray(start, end));
    else this.handler.onFramedData(this, framed, start, end, receivedAt);
  }

  /** While a refusal is kept, the request waits for the next member. */
  get phase(): RequestPhase {
    if (this.isDone) return 'done';
    return this.current?.kept === undefined ? this.current?.controller?.phase ?? 'waiting' : 'waiting';
  }

  /** `enqueuedAt` is the group's. A try that was refused did not run: while its refusal is kept, nothing counts as sent. */
  get timings(): RequestTimings {
    const { enqueuedAt } = this;
    if (this.replayed !== undefined) return { ...this.replayed.timings, enqueuedAt };
    return this.current?.kept === undefined ? { ...this.current?.controller?.timings, enqueuedAt } : { enqueuedAt };
  }

  get reusedConnection(): boolean {
    return this.current?.controller?.reusedConnection ?? false;
  }

  get rawHeaders(): RawFields {
    return this.replayed === undefined ? this.current?.controller?.rawHeaders ?? null : this.replayed.rawHeaders;
  }

  set rawHeaders(fields: RawFields) {
    const { controller } = this.current ?? {};
    if (controller !== undefined && this.replayed === undefined) (controller as { rawHeaders?: RawFields }).rawHeaders = fields;
  }

  get rawTrailers(): RawFields {
    return this.current?.controller?.rawTrailers ?? null;
  }
}
