import { Buffer } from 'node:buffer';

/** A body whose start was looked at; `body` has every byte. */
export interface PeekedForm {
  /** The value of the part `model`; `undefined` where it does not stand within the bound. */
  readonly model: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/** `boundary` is at most 70 characters (RFC 2046 section 5.1.1). */
const BOUNDARY = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i;
const MODEL_PART = /^content-disposition:\s*form-data;(?:.*;)?\s*name="?model"?\s*(?:;|$)/im;
const HEAD_END = '\r\n\r\n';

/** Whether a media type is a form whose parts can be read. */
export function isMultipart(contentType: string | undefined): boolean {
  return contentType !== undefined && /^multipart\/form-data\s*;/i.test(contentType);
}

/** The value of the part `model`, when it stands whole in the bytes so far. */
function readModel(bytes: Buffer, boundary: string): string | undefined {
  const delimiter = `--${boundary}`;
  const text = bytes.toString('latin1');
  for (let start = text.indexOf(delimiter); start !== -1;) {
    const headStart = start + delimiter.length;
    const headEnd = text.indexOf(HEAD_END, headStart);
    if (headEnd === -1) return undefined;
    const valueStart = headEnd + HEAD_END.length;
    const next = text.indexOf(`\r\n${delimiter}`, valueStart);
    if (next === -1) return undefined;
    if (MODEL_PART.test(text.slice(headStart, headEnd).trimStart())) return bytes.toString('utf8', valueStart, next);
    start = next + 2;
  }
  return undefined;
}

async function* replay(held: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* held;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/**
 * Reads the part `model` of a form (RFC 7578) from its first `maxBytes`: every SDK writes it before the file. The bytes are looked at again
 * each time they doubled, so that a body of one-byte chunks costs no more than its length twice.
 */
export async function peekMultipartModel(source: AsyncIterable<Uint8Array>, contentType: string, maxBytes: number): Promise<PeekedForm> {
  const [, quoted, plain] = BOUNDARY.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  const rest = source[Symbol.asyncIterator]();
  if (boundary === undefined) return { model: undefined, body: replay([], rest) };
  const start = Buffer.alloc(maxBytes);
  let length = 0;
  let lookedAt = 0;
  for (;;) {
    const next = await rest.next();
    const isOver = next.done === true;
    const overflow = isOver ? new Uint8Array(0) : next.value.subarray(maxBytes - length);
    if (!isOver) {
      start.set(next.value.subarray(0, maxBytes - length), length);
      length = Math.min(maxBytes, length + next.value.length);
    }
    const isFull = isOver || length === maxBytes;
    if (!isFull && length < 2 * lookedAt) continue;
    lookedAt = length;
    const model = readModel(start.subarray(0, length), boundary);
    if (model !== undefined || isFull) return { model, body: replay([start.subarray(0, length), overflow].filter((bytes) => bytes.length > 0), rest) };
  }
}
