/** A part of a response body that is written on its own, and the silence before it. */
export interface BodyPart {
  readonly bytes: Uint8Array;
  readonly delayMs: number;
}

/** A response header field, its name spelled as on the wire. */
export type HeaderField = readonly [name: string, value: string];

/** What a route decided to answer; the writer gives it framing, compression and faults. */
export interface Answer {
  readonly status: number;
  /** Fields beyond those that every answer of the API carries. */
  readonly headers: readonly HeaderField[];
  readonly body: Iterable<BodyPart>;
  /** How long the head waits: a whole answer comes when it is complete, a stream at once. */
  readonly headDelayMs: number;
  /** Which of the API's header families belong to this answer. */
  readonly headerFamily: 'inference' | 'plain' | 'unauthenticated' | 'edge' | 'verbatim';
  /** Whether the body may be compressed when the client offers gzip. */
  readonly isCompressible: boolean;
}

/** An answer of one JSON value. */
export function jsonAnswer(value: unknown, extra: Partial<Answer> = {}): Answer {
  return { ...bytesAnswer(Buffer.from(JSON.stringify(value)), 'application/json'), ...extra };
}

/** An answer of bytes that are ready. */
export function bytesAnswer(bytes: Uint8Array, contentType: string, headers: readonly HeaderField[] = []): Answer {
  return {
    status: 200,
    headers: [['Content-Type', contentType], ...headers],
    body: bytes.length === 0 ? [] : [{ bytes, delayMs: 0 }],
    headDelayMs: 0,
    headerFamily: 'plain',
    isCompressible: true,
  };
}
