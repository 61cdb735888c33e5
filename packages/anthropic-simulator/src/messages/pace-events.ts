import type { BodyPart } from '../http/answer.ts';
import type { Pacing } from './message-plan.ts';
import { PING_EVENT, type StreamEvent } from './render-events.ts';

/** Gives each event the silence that its tokens cost; a silence that is too long is broken by pings. */
export function* paceEvents(events: Iterable<StreamEvent>, pacing: Pacing): Generator<BodyPart> {
  let isFirst = true;
  for (const event of events) {
    let delayMs = isFirst ? 0 : event.tokens * 1_000 / pacing.tokensPerSecond;
    // The model starts to write after the first block was opened, so the wait for it stands before the first delta.
    if (!isFirst && event.tokens > 0 && pacing.firstTokenMs > 0) {
      delayMs += pacing.firstTokenMs;
      pacing = { ...pacing, firstTokenMs: 0 };
    }
    while (delayMs > pacing.pingIntervalMs) {
      yield { bytes: PING_EVENT, delayMs: pacing.pingIntervalMs };
      delayMs -= pacing.pingIntervalMs;
    }
    yield { bytes: event.bytes, delayMs };
    isFirst = false;
  }
}

/** How long a client waits for the head of a whole answer. */
export function wholeAnswerDelay(outputTokens: number, pacing: Pacing): number {
  return pacing.firstTokenMs + outputTokens * 1_000 / pacing.tokensPerSecond;
}
