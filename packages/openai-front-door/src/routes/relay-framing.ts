import { headerValue, type RawHeaders } from '../backend.ts';

/** How a relayed answer is delimited, which decides what may be done when it breaks. */
export interface RelayFraming {
  readonly isEventStream: boolean;
  /** The media type, in lower case and without its parameters. */
  readonly mediaType: string;
  /** Whether the bytes are the text itself, and can be read along. */
  readonly isPlain: boolean;
  /** Whether a frame may be added at an event's end: not where the length was announced (the client would wait for the rest), and not into compressed bytes. */
  readonly takesFrames: boolean;
  /** Whether the end of the connection is the only sign of the end, so that a cut looks like one (RFC 9112 section 6.3). */
  readonly endsByClose: boolean;
}

/** Reads the framing of an upstream's answer. */
export function framingOf(rawHeaders: RawHeaders): RelayFraming {
  const mediaType = (headerValue(rawHeaders, 'content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const isEventStream = mediaType === 'text/event-stream';
  const isPlain = (headerValue(rawHeaders, 'content-encoding') ?? 'identity').toLowerCase() === 'identity';
  const hasLength = headerValue(rawHeaders, 'content-length') !== undefined;
  return {
    isEventStream, mediaType, isPlain,
    takesFrames: isEventStream && isPlain && !hasLength,
    endsByClose: !hasLength && headerValue(rawHeaders, 'transfer-encoding') === undefined,
  };
}
