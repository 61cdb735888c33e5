import { Buffer } from 'node:buffer';
import type { RelayFailure } from '@penstock/sse-relay';
import { UPSTREAM_TITLES, type PipeSide } from '../request/upstream-titles.ts';
import { outcomeOfBreak } from './classify-failure.ts';

/** The `error.type` and the sentence for a stream that broke. */
export function describeBreak(side: PipeSide, failure: RelayFailure): readonly [type: string, message: string] {
  if (failure.how === 'interrupted') return ['api_error', 'The gateway is shutting down before the stream ended.'];
  const { name } = UPSTREAM_TITLES[side];
  return outcomeOfBreak(failure.error) === 'upstream_timeout'
    ? ['timeout_error', `The stream from ${name} fell silent.`]
    : ['api_error', `The stream from ${name} ended before it was complete.`];
}

/**
 * The `error` event for a stream that broke at an event boundary (https://docs.anthropic.com/en/docs/build-with-claude/streaming#error-events).
 * Only with `broken_streams: "event"`: Claude Code takes the event for the API's own failure, and asks again without
 * streaming and for half the tokens, where a broken connection is retried as the stream it was.
 */
export function failureEvent(side: PipeSide, failure: RelayFailure, requestId: string): Buffer {
  const [type, message] = describeBreak(side, failure);
  return Buffer.from(`event: error\ndata: ${JSON.stringify({ type: 'error', error: { type, message }, request_id: requestId })}\n\n`);
}
