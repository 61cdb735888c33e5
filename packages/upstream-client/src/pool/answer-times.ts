/** After so many reuses without a rest a connection rests. */
export const REUSES_WITHOUT_REST = 32;

/** The part of answers that are taken for suspiciously quick by mistake, in the long run. */
const FALSE_ALARMS = 1 / REUSES_WITHOUT_REST;
/** How much one false alarm lowers the bound of what is quick. */
const STEP = 0.1;
/** An answer that takes more of the usual time than this is never quick. */
const QUICK_PART = 0.75;
/** Answers of which the usual time is learned before any is called quick. */
const LEARNED_FROM = 64;
/** Connects of which the round trip is learned before any answer is refused. */
const MEASURED_CONNECTS = 3;
/** No round trip is taken for longer: the first connects may all have lost a packet. */
const LONGEST_ROUND_TRIP_MS = 250;

/**
 * What is known of how soon an origin answers.
 *
 * An HTTP/1.1 answer belongs to a request by its place alone. A stray response (a load balancer's late 500) is taken for the answer to the request
 * that was just sent; its real answer then goes to the next request, and so on: to other people, without end on a busy connection. But of
 * the stray and the first shifted answer, at least one comes in half of the time that the origin takes. A connection with such a quick answer
 * is not used again before the origin's usual time has passed, in which the answer that is left over shows itself.
 */
export class AnswerTimes {
  private connects = 0;
  private leastRoundTripMs: number = LONGEST_ROUND_TRIP_MS;
  private answers = 0;
  private meanMs = 0;
  private deviationMs = 0;
  private boundMs = 0;

  /** A round trip that was measured while a connection was made, in milliseconds. */
  connected(roundTripMs: number): void {
    this.connects += 1;
    this.leastRoundTripMs = Math.min(this.leastRoundTripMs, roundTripMs);
  }

  /** No answer can come sooner after its request was written than the least round trip there was. 0 while too few were measured. */
  get leastMs(): number {
    return this.connects < MEASURED_CONNECTS ? 0 : this.leastRoundTripMs;
  }

  /** The first answer of a connection, which no other can precede: no round trip takes longer. */
  answeredFirst(ms: number): void {
    this.leastRoundTripMs = Math.min(this.leastRoundTripMs, ms);
    this.answered(ms);
  }

  /** The time from a request to the first byte of its answer, smoothed as in RFC 6298 section 2. */
  answered(ms: number): void {
    this.answers += 1;
    if (this.answers === 1) {
      this.meanMs = ms;
      this.deviationMs = ms / 2;
      return;
    }
    this.deviationMs += (Math.abs(this.meanMs - ms) - this.deviationMs) / 4;
    this.meanMs += (ms - this.meanMs) / 8;
  }

  /** Within this time nearly every answer comes; 0 while none is known. */
  get usualMs(): number {
    return this.meanMs + 2 * this.deviationMs;
  }

  /**
   * Whether an answer came suspiciously soon. What is called so is mostly not: the bound then falls, so that in the long run no more than
   * one in 32 answers is, however differently the origin's requests take.
   */
  isQuick(ms: number): boolean {
    if (this.answers < LEARNED_FROM) { this.boundMs = this.meanMs; return false; }
    this.boundMs = Math.min(this.boundMs, QUICK_PART * this.meanMs);
    if (ms >= this.boundMs) {
      this.boundMs *= 1 + STEP * FALSE_ALARMS;
      return false;
    }
    this.boundMs *= 1 - STEP;
    return true;
  }

  /** What was suspected was so: the bound need not have fallen. */
  confirmQuick(): void {
    this.boundMs /= 1 - STEP;
  }
}
