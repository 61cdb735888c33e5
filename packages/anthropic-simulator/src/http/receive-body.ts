import type { IncomingMessage } from 'node:http';
import zlib, { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

/** A request body as it came off the wire. */
export interface ReceivedBody {
  readonly chunks: readonly Uint8Array[];
  readonly byteLength: number;
  /** Why there is no whole body: the client left, or it is larger than the path allows. */
  readonly failure: 'aborted' | 'too_large' | undefined;
}

/** Reads a request body to its end, or until `maxBytes` is passed. Never rejects. */
export async function receiveBody(request: IncomingMessage, maxBytes: number): Promise<ReceivedBody> {
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  const announced = Number(request.headers['content-length'] ?? 0);
  const failure = await new Promise<ReceivedBody['failure']>((resolve) => {
    // What follows an overflow is read and thrown away: a connection closed on unread bytes would lose the answer.
    request.on('data', (chunk: Uint8Array) => {
      byteLength += chunk.length;
      if (byteLength > maxBytes) resolve('too_large');
      else chunks.push(chunk);
    });
    request.once('end', () => { resolve(undefined); });
    request.once('error', () => { resolve('aborted'); });
    request.once('close', () => { resolve('aborted'); });
    if (announced > maxBytes) resolve('too_large');
  });
  return { chunks: failure === 'too_large' ? chunks.splice(0) : chunks, byteLength, failure };
}

/** Why a request's `content-encoding` could not be removed. */
export type DecodeFailure = 'unsupported' | 'invalid' | 'too_large';

/** Removes the `content-encoding` of a request body. */
export function decodeBody(chunks: readonly Uint8Array[], coding: string | undefined, maxBytes: number): Uint8Array | DecodeFailure {
  const body = Buffer.concat(chunks);
  const decode = DECODERS[(coding ?? 'identity').trim().toLowerCase()];
  if (decode === undefined) return 'unsupported';
  try {
    return decode(body, maxBytes);
  } catch (error) {
    return error instanceof RangeError ? 'too_large' : 'invalid';
  }
}

const DECODERS: Readonly<Record<string, (body: Buffer, maxBytes: number) => Uint8Array>> = Object.freeze({
  identity: (body: Buffer) => body,
  gzip: (body: Buffer, maxOutputLength: number) => gunzipSync(body, { maxOutputLength }),
  deflate: (body: Buffer, maxOutputLength: number) => inflateSync(body, { maxOutputLength }),
  br: (body: Buffer, maxOutputLength: number) => brotliDecompressSync(body, { maxOutputLength }),
  zstd: (body: Buffer, maxOutputLength: number) => zlib.zstdDecompressSync(body, { maxOutputLength }),
});
