import type { Buffer } from 'node:buffer';
import { ChunkList } from '../chunk-list.ts';
import { FrontDoorError } from '../errors/front-door-error.ts';

/** Gathers an upstream body that is not streamed, up to a bound; the iterator is closed on every path. */
export async function gatherBody(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const gathered = new ChunkList();
  for await (const chunk of body) {
    if (gathered.byteLength + chunk.length > maxBytes) throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that is too large.');
    gathered.append(chunk);
  }
  return gathered.join();
}

const MAX_ERROR_BYTES = 256 * 1024;

/** As `gatherBody`, but what is over the bound is left out: enough of an error to read it. */
export async function gatherErrorText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const gathered = new ChunkList();
  for await (const chunk of body) {
    gathered.append(chunk);
    if (gathered.byteLength > MAX_ERROR_BYTES) break;
  }
  return gathered.join().toString('utf8');
}
