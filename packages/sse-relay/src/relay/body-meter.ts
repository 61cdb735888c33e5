/** Counts the bytes of one body and the silences between them; O(1) work a chunk, no timer. */
export class BodyMeter {
  bytes = 0;
  firstByteAt: number | undefined;
  largestGapMs = 0;
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
}
