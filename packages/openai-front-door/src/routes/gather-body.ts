import { Buffer } from 'node:buffer';
import { FrontDoorError } from '../errors/front-door-error.ts';

/** Gathers an upstream body that is not streamed, up to a bound; the iterator is closed on every path. */
export async function gatherBody(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** As `gatherBody`, but what is over the bound is left out: enough of an error to read it. */
export async function gatherErrorText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(chunks, length).toString('utf8');
}

const MAX_ERROR_BYTES = 256 * 1024;
