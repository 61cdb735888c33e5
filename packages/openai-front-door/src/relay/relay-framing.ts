import { headerValue, type RawHeaders } from '../backend.ts';

/** How a relayed answer is delimited, which decides what may be done when it breaks. */
export interface RelayFraming {
  readonly isEventStream: boolean;
  /** The media type, in lower case and without its parameters. */
  readonly mediaType: string;
  /** The content coding, in lower case; `identity` for none, several as a list. */
  readonly coding: string;
  /** Whether a frame may be added at an event's end: not where the length was announced (the client would wait for the rest), and not into compressed bytes. */
  readonly takesFrames: boolean;
  /** Whether the end of the connection is the only sign of the end, so that a cut looks like one (RFC 9112 section 6.3). */
  readonly endsByClose: boolean;
}

/** All codings, of however many lines (RFC 9110 section 8.4). */
function codingOf(rawHeaders: RawHeaders): string {
  const codings: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== 'content-encoding') continue;
    for (const part of (rawHeaders[index + 1] ?? '').split(',')) codings.push(part.trim().toLowerCase());
  }
  const applied = codings.filter((coding) => coding !== '' && coding !== 'identity');
  return applied.length === 0 ? 'identity' : applied.join(', ');
}

/** Reads the framing of an upstream's answer. */
export function framingOf(rawHeaders: RawHeaders): RelayFraming {
  const mediaType = (headerValue(rawHeaders, 'content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const isEventStream = mediaType === 'text/event-stream';
  const coding = codingOf(rawHeaders);
  const hasLength = headerValue(rawHeaders, 'content-length') !== undefined;
  return {
    isEventStream, mediaType, coding,
    takesFrames: isEventStream && coding === 'identity' && !hasLength,
    endsByClose: !hasLength && headerValue(rawHeaders, 'transfer-encoding') === undefined,
  };
}
