import { performance } from 'node:perf_hooks';
import type { RelayEnd, RelayResult } from './relay-result.ts';
import type { ResponseDescription } from './response-description.ts';

type MutableResult = { -readonly [Name in keyof RelayResult]: RelayResult[Name] };

/**
 * What a relay measures of its response, and how the response ended; O(1) work a chunk, no timer. Times are `performance.now()` milliseconds. A base
 * class, not an object of its own, and what each chunk needs comes first: an object that no cache holds costs an event more than the work on it.
 */
export class RelayRecord {
  /**
   * When the last chunk came or the upstream was resumed, whichever is later: a gap is measured from it. In whole milliseconds, as the gap is, for V8 keeps
   * a number with a fraction in an object of its own.
   */
  #movedAt = 0;
  /** Body bytes that arrived from the upstream. */
  bytes = 0;
  largestGapMs = 0;
  firstByteAt: number | undefined;
  /** Of the upstream; 0 before its head. */
  status = 0;
  headAt: number | undefined;
  /** How often the client read slower than the upstream sent. */
  pauses = 0;
  how: RelayEnd = 'complete';
  error: unknown;
  failureEventSent = false;
  #endedAt: number | undefined;

  protected recordChunk(length: number, now: number): void {
    const at = Math.trunc(now);
    if (this.firstByteAt === undefined) this.firstByteAt = now;
    else if (at - this.#movedAt > this.largestGapMs) this.largestGapMs = at - this.#movedAt;
    this.#movedAt = at;
    this.bytes += length;
  }

  /** The upstream was paused until now: that silence was ours. */
  protected recordResume(now: number): void {
    this.#movedAt = Math.trunc(now);
  }

  /** The response ended before it was complete. */
  protected recordEnd(how: RelayEnd, error: unknown): void {
    this.how = how;
    this.error = error;
    this.#endedAt = performance.now();
  }

  /** All of it, for `onSettled`. */
  protected resultOf(headSent: boolean, { framing, isEventStream }: ResponseDescription, atBoundary: boolean, keepAlivesSent: number): RelayResult {
    const { how, bytes: bodyBytes, largestGapMs, pauses, failureEventSent } = this;
    const result: MutableResult = {
      how, headSent, bodyBytes, framing, isEventStream, atBoundary, endedAt: this.#endedAt ?? performance.now(), largestGapMs, pauses, keepAlivesSent, failureEventSent,
    };
    if (this.error !== undefined) result.error = this.error;
    if (this.headAt !== undefined) {
      result.status = this.status;
      result.headAt = this.headAt;
    }
    if (this.firstByteAt !== undefined) result.firstByteAt = this.firstByteAt;
    return result;
  }
}
