import { performance } from 'node:perf_hooks';
import type { RelayEnd, RelayResult } from './relay-result.ts';
import type { ResponseDescription } from './response-description.ts';

type MutableResult = { -readonly [Name in keyof RelayResult]: RelayResult[Name] };

/** What a relay measures of its response, and how the response ended; O(1) work a chunk, no timer. Times are `performance.now()` milliseconds. */
export class RelayRecord {
  /** Of the upstream; 0 before its head. */
  status = 0;
  headAt: number | undefined;
  /** Body bytes that arrived from the upstream. */
  bytes = 0;
  firstByteAt: number | undefined;
  largestGapMs = 0;
  /** How often the client read slower than the upstream sent. */
  pauses = 0;
  how: RelayEnd = 'complete';
  error: unknown;
  failureEventSent = false;
  #endedAt: number | undefined;
  /** When the last chunk came or the upstream was resumed, whichever is later: a gap is measured from it. */
  #movedAt = 0;

  count(length: number, now: number): void {
    if (this.firstByteAt === undefined) this.firstByteAt = now;
    else if (now - this.#movedAt > this.largestGapMs) this.largestGapMs = now - this.#movedAt;
    this.#movedAt = now;
    this.bytes += length;
  }

  /** The upstream was paused until now: that silence was ours. */
  resume(now: number): void {
    this.#movedAt = now;
  }

  /** The response ended before it was complete. */
  end(how: RelayEnd, error: unknown): void {
    this.how = how;
    this.error = error;
    this.#endedAt = performance.now();
  }

  /** All of it, for `onSettled`. */
  result(headSent: boolean, { framing, isEventStream }: ResponseDescription, atBoundary: boolean, keepAlivesSent: number): RelayResult {
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
