import { Buffer } from 'node:buffer';
import { channel } from 'node:diagnostics_channel';
import type { Client } from 'undici';
import { kQueue, Request } from './undici-parts.ts';

/** Takes the fields of a response head: names and values in turn, latin1, as they came (RFC 9110 section 5.5). */
export interface RawHeadReader {
  takeRawHead(fields: string[]): void;
}

type OnResponseStart = (this: HeadRequest, status: number, fields: unknown, resume: () => void, statusText: string) => boolean;

/** undici's own request, as far as its head goes. */
interface HeadRequest {
  onResponseStart: OnResponseStart;
  rawHeadReader?: RawHeadReader;
}

const parseHead: OnResponseStart = (Request.prototype as unknown as HeadRequest).onResponseStart;
/** Whoever listens is handed the fields by undici itself. */
const headChannel = channel('undici:request:headers');

/**
 * Gives the fields of the response to the request that `client` was handed last to `reader`, and none to undici, which would make an
 * object of them: for a relay that is work for nothing, a fifteenth of what a bare pass-through of a small request costs. Call it in the
 * turn of the `dispatch`. HTTP/2 has no list, and is left as it is.
 */
export function readRawHead(client: Client, reader: RawHeadReader): void {
  const request = (client as unknown as Record<symbol, HeadRequest[]>)[kQueue]?.at(-1);
  if (request === undefined) return;
  request.rawHeadReader = reader;
  request.onResponseStart = handOver;
}

const handOver: OnResponseStart = function handOver(status, fields, resume, statusText) {
  if (isBufferList(fields) && this.rawHeadReader !== undefined && !headChannel.hasSubscribers) {
    this.rawHeadReader.takeRawHead(latin1Fields(fields));
    fields.length = 0;
  }
  return parseHead.call(this, status, fields, resume, statusText);
};

function isBufferList(fields: unknown): fields is Buffer[] {
  return Array.isArray(fields);
}

/**
 * Decodes the parts of a head. They are pieces of what was read from the socket, nearly always of one read: that is decoded once and cut,
 * because decoding forty pieces takes four times as long.
 */
export function latin1Fields(parts: readonly Buffer[]): string[] {
  const fields: string[] = [];
  const [first] = parts;
  const last = parts.at(-1);
  if (first === undefined || last === undefined) return fields;
  if (!areInOrder(parts)) {
    for (let index = 0; index < parts.length; index += 1) fields.push((parts[index] as Buffer).toString('latin1'));
    return fields;
  }
  const start = first.byteOffset;
  const text = Buffer.from(first.buffer, start, last.byteOffset + last.length - start).toString('latin1');
  for (let index = 0; index < parts.length; index += 1) {
    const { byteOffset, length } = parts[index] as Buffer;
    fields.push(text.slice(byteOffset - start, byteOffset - start + length));
  }
  return fields;
}

/** Whether all parts lie behind each other in the same memory. */
function areInOrder(parts: readonly Buffer[]): boolean {
  const { buffer } = parts[0] as Buffer;
  let end = 0;
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index] as Buffer;
    if (part.buffer !== buffer || part.byteOffset < end) return false;
    end = part.byteOffset + part.length;
  }
  return true;
}
