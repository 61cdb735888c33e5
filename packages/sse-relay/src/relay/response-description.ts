import { RelayError } from './relay-error.ts';

/** How the upstream delimited a response body. `close` cannot tell an end from a cut. */
export type BodyFraming = 'length' | 'chunked' | 'close' | 'none';

/** What the relay must know of a response head. */
export interface ResponseDescription {
  readonly framing: BodyFraming;
  /** Whether the body is a stream of events: text, or binary frames. */
  readonly isEventStream: boolean;
  /** Whether its events are frames of the AWS event stream encoding. */
  readonly isFramed: boolean;
  /** Whether no content coding stands between the bytes and their meaning. */
  readonly isIdentity: boolean;
}

/** What is known before a head came. */
export const UNKNOWN_RESPONSE: ResponseDescription = Object.freeze({ framing: 'none', isEventStream: false, isFramed: false, isIdentity: true });

const EVENT_STREAM = /^text\/event-stream[ \t]*(?:;|$)/i;
const FRAMES = /^application\/vnd\.amazon\.eventstream[ \t]*(?:;|$)/i;
const FRAMES_LENGTH = 'application/vnd.amazon.eventstream'.length;

/**
 * Describes a response from its status, its raw flat header fields and whether it answers HEAD (RFC 9112 section 6.3). Throws
 * `RelayError` `invalid_response` for a transfer coding other than `chunked`, which cannot be relayed as it stands.
 */
export function describeResponse(status: number, rawHeaders: readonly string[], isAnswerToHead: boolean): ResponseDescription {
  let framing: BodyFraming = 'close';
  let isEventStream = false;
  let isFramed = false;
  let isIdentity = true;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    // The four names have four lengths; most other fields are passed over without a comparison.
    if (name.length !== 12 && name.length !== 14 && name.length !== 16 && name.length !== 17) continue;
    const value = rawHeaders[index + 1] ?? '';
    switch (name.toLowerCase()) {
      case 'content-type':
        isFramed = value.length >= FRAMES_LENGTH && FRAMES.test(value);
        isEventStream = isFramed || EVENT_STREAM.test(value);
        break;
      case 'content-length': if (framing !== 'chunked') framing = 'length'; break;
      case 'content-encoding': isIdentity &&= /^[ \t]*(?:identity)?[ \t]*$/i.test(value); break;
      case 'transfer-encoding': {
        framing = 'chunked';
        if (value.trim().toLowerCase() !== 'chunked') throw new RelayError('invalid_response', 'the upstream used a transfer coding other than chunked');
        break;
      }
    }
  }
  if (isAnswerToHead || status === 204 || status === 304) framing = 'none';
  return { framing, isEventStream, isFramed, isIdentity };
}

/** Whether a flat list of header fields counts the body. */
export function hasContentLength(rawHeaders: readonly string[]): boolean {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 14 && name.toLowerCase() === 'content-length') return true;
  }
  return false;
}
