import { AnswerTimes, REUSES_WITHOUT_REST } from './answer-times.ts';
import type { Slot } from './slot.ts';

/**
 * Decides which answers are refused, and when a connection rests for the origin's usual time to the first byte, in which an answer without a
 * request shows itself, so that undici closes the connection: after a quick answer, and after 32 reuses without a rest. A rest
 * costs nothing while other connections are idle, and a new connection where all are busy: the pool does not wait for one.
 */
export class RestRule {
  private readonly answers = new AnswerTimes();

  /** How long a connection rests until it has rested enough, as known by now: an origin that has become faster does not hold up those at rest. */
  get enoughMs(): number {
    return this.answers.usualMs;
  }

  /** Called with the round trip of a new connection. */
  connected(roundTripMs: number): void {
    this.answers.connected(roundTripMs);
  }

  /** Called with the time from a request to the first byte that came; false when no answer to it can have come so soon. */
  isPossible(slot: Slot, ms: number): boolean {
    if (slot.isMultiplexed) return true;
    slot.answerMs = ms;
    if (slot.requestCount <= 1) this.answers.answeredFirst(ms);
    else if (ms < this.answers.leastMs) return false;
    else this.answers.answered(ms);
    return true;
  }

  /** Called when an answer was complete; true when the connection must rest before its next request. */
  mustRest(slot: Slot): boolean {
    if (slot.isMultiplexed) return false;
    slot.reuses += 1;
    slot.isSuspect = slot.answerMs >= 0 && this.answers.isQuick(slot.answerMs);
    slot.mustRest = slot.isSuspect || slot.reuses >= REUSES_WITHOUT_REST;
    return slot.mustRest;
  }

  /** Called when an idle connection is used again. */
  taken(slot: Slot, now: number): void {
    if (now - slot.idleSince >= this.answers.usualMs) slot.reuses = 0;
    slot.mustRest = false;
  }

  /** Called when a connection is gone. */
  closed(slot: Slot): void {
    if (slot.isSuspect && slot.closeReason === 'unsolicited') this.answers.confirmQuick();
  }
}
