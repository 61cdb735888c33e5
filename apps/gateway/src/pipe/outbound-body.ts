import { Buffer } from 'node:buffer';
import { freeMemory } from '../body/free-memory.ts';
import { SelfReleasingBody } from '../body/self-releasing-body.ts';
import type { OutboundBody, PipedExchange } from './piped-exchange.ts';
import { upstreamGroup } from './upstream-group.ts';

const JOINED_BODY_BYTES = 64 * 1024;
/** A streamed answer may take minutes, in which its request's body is held in full. */
const HELD_BODY_BYTES = 512;

/** One buffer goes out with the head in a single write; more is never joined, and a body that is not small is released while its answer streams. */
export function outboundBody(chunks: readonly Buffer[], byteLength: number, { wantsStream, mayMove }: PipedExchange): OutboundBody['body'] {
  const isHeldLong = wantsStream && byteLength > HELD_BODY_BYTES;
  if (isHeldLong || byteLength > JOINED_BODY_BYTES) return mayMove ? new (upstreamGroup().ReplayableBody)(chunks, freeMemory) : new SelfReleasingBody(chunks);
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}
