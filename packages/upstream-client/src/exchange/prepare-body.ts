import { Buffer } from 'node:buffer';
import type { FormData } from 'undici';

/** A gathered body up to this size goes out in one write, head included. */
export const ONE_WRITE_BYTES = 65_536;

/** A request body, ready to be sent. */
export type PreparedBody =
  | { readonly kind: 'whole'; readonly body: Buffer | string | FormData | null }
  | { readonly kind: 'pieces'; readonly source: AsyncIterable<unknown> | Iterable<unknown>; readonly byteLength: number | undefined };

const EMPTY: PreparedBody = { kind: 'whole', body: null };

function gather(list: readonly unknown[]): PreparedBody {
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  for (const chunk of list) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('every chunk of a body list must be a Uint8Array');
    chunks.push(chunk);
    byteLength += chunk.byteLength;
  }
  if (byteLength === 0) return EMPTY;
  return byteLength <= ONE_WRITE_BYTES ? { kind: 'whole', body: Buffer.concat(chunks, byteLength) } : { kind: 'pieces', source: chunks, byteLength };
}

/** By its tag, as undici does: there are two classes of it, Node's and undici's. */
function isFormData(body: unknown): body is FormData {
  return typeof body === 'object' && body !== null && Symbol.toStringTag in body && body[Symbol.toStringTag] === 'FormData';
}

function isIterable(body: unknown): body is AsyncIterable<unknown> | Iterable<unknown> {
  return typeof body === 'object' && body !== null && (Symbol.asyncIterator in body || Symbol.iterator in body);
}

/** Decides how a body is sent: small gathered ones in one write, everything else piece by piece under the write-stall clock. */
export function prepareBody(body: unknown): PreparedBody {
  if (body === null || body === undefined) return EMPTY;
  if (body instanceof Uint8Array) {
    if (body.byteLength <= ONE_WRITE_BYTES) return { kind: 'whole', body: Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength) };
    return { kind: 'pieces', source: [body], byteLength: body.byteLength };
  }
  if (Array.isArray(body)) return gather(body);
  if (typeof body === 'string') {
    return body.length <= ONE_WRITE_BYTES / 4 ? { kind: 'whole', body } : prepareBody(Buffer.from(body));
  }
  if (isFormData(body)) return { kind: 'whole', body };
  if (isIterable(body)) return { kind: 'pieces', source: body, byteLength: undefined };
  throw new TypeError('body must be null, a string, a Uint8Array, a list of them, a Readable or an iterable');
}
