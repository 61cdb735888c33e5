/** A media type is case-insensitive, and parameters may follow it (RFC 9110 section 8.3.1); event streams are always UTF-8. */
const EVENT_STREAM = /^text\/event-stream[ \t]*(?:;|$)/i;

/**
 * Whether the value of a `content-type` field names an event stream (HTML, server-sent events, section 9.2.6). The relay and both sides
 * decide framing, clocks and fields of a response by it.
 */
export function isEventStreamType(contentType: string): boolean {
  return EVENT_STREAM.test(contentType);
}
