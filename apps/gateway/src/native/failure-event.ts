import { Buffer } from 'node:buffer';
import type { RelayFailure } from '@penstock/sse-relay';
import { outcomeOfBreak } from '../pipe/classify-failure.ts';

/**
 * The `error` event for a stream that broke at an event boundary (https://docs.anthropic.com/en/docs/build-with-claude/streaming#error-events).
 * Only with `anthropic_native.broken_streams: "event"`: Claude Code takes the event for the API's own failure, and asks again without
 * streaming and for half the tokens, where a broken connection is retried as the stream it was.
 */
export function failureEvent(failure: RelayFailure, requestId: string): Buffer {
  const [type, message] = failure.how === 'interrupted'
    ? ['api_error', 'The gateway is shutting down before the stream ended.']
    : outcomeOfBreak(failure.error) === 'upstream_timeout'
      ? ['timeout_error', 'The stream from the Anthropic API fell silent.']
      : ['api_error', 'The stream from the Anthropic API ended before it was complete.'];
  return Buffer.from(`event: error\ndata: ${JSON.stringify({ type: 'error', error: { type, message }, request_id: requestId })}\n\n`);
}
