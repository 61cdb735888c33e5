import type { IncomingMessage } from 'node:http';
import { ChunkList } from './chunk-list.ts';

/**
 * Takes a body of which nothing is still to come, without a listener; `undefined` where it is not here yet, or is empty. The request ends
 * as if it had been listened to.
 */
export function takeWholeBody(request: IncomingMessage): ChunkList | undefined {
  if (!request.complete || request.readableLength === 0 || request.readableFlowing !== null) return undefined;
  const body = new ChunkList();
  // Newer Nodes give one piece at a time, older ones all of them.
  for (let piece = request.read() as Buffer | null; piece !== null; piece = request.read() as Buffer | null) body.append(piece);
  // Node would look for a rest when the response is sent, which costs a turn of its own.
  Reflect.set(request, '_consumed', true);
  return body;
}
