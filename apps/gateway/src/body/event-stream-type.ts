/** A media type is case-insensitive, and parameters may follow it (RFC 9110 section 8.3.1). Events in text are always UTF-8; Amazon's are binary frames. */
const EVENT_STREAM = /^(?:text\/event-stream|application\/vnd\.amazon\.eventstream)[ \t]*(?:;|$)/i;

/**
 * Whether the value of a `content-type` field names an event stream (HTML, server-sent events, section 9.2.6; https://smithy.io/2.0/aws/amazon-eventstream.html). The relay and both sides
 * decide framing, clocks and fields of a response by it.
 */
export function isEventStreamType(contentType: string): boolean {
  return EVENT_STREAM.test(contentType);
}
