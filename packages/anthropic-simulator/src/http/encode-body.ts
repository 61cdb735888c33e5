import { constants, createGzip, type Gzip } from 'node:zlib';
import type { BodyPart } from './answer.ts';

/** Compresses a body part by part, each flushed with a sync marker, so that every event can be read as soon as it arrives. */
export async function* gzipParts(parts: Iterable<BodyPart>): AsyncGenerator<BodyPart> {
  const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
  const collected: Uint8Array[] = [];
  gzip.on('data', (chunk: Uint8Array) => { collected.push(chunk); });
  for (const part of parts) {
    gzip.write(part.bytes);
    await flushed(gzip);
    yield { bytes: Buffer.concat(collected.splice(0)), delayMs: part.delayMs };
  }
  gzip.end();
  await new Promise((resolve) => { gzip.once('end', resolve); });
  yield { bytes: Buffer.concat(collected), delayMs: 0 };
}

/** Cuts parts into writes of at most `maxBytes`. */
export async function* cutParts(parts: Iterable<BodyPart> | AsyncIterable<BodyPart>, maxBytes: number): AsyncGenerator<BodyPart> {
  for await (const { bytes, delayMs } of parts) {
    for (let offset = 0; offset < bytes.length; offset += maxBytes) {
      yield { bytes: bytes.subarray(offset, offset + maxBytes), delayMs: offset === 0 ? delayMs : 0 };
    }
  }
}

/** Whether the client offers gzip with a weight above zero (RFC 9110 section 12.5.3). */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return (acceptEncoding ?? '').split(',').some((item) => {
    const [coding = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    return (coding === 'gzip' || coding === '*') && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

function flushed(gzip: Gzip): Promise<void> {
  return new Promise((resolve) => { gzip.flush(constants.Z_SYNC_FLUSH, resolve); });
}
