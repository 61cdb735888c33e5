import { channel } from 'node:diagnostics_channel';
import type { Client } from 'undici';
import { kQueue, Request } from './undici-parts.ts';

/** Takes the fields of a response head, during the call: names and values in turn, as they came (RFC 9110 section 5.5). */
export interface RawHeadReader {
  takeRawHead(fields: readonly Buffer[]): void;
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
  // undici puts `null` in the place of a request that is over, and adds none for a request that it refuses.
  const request = (client as unknown as Record<symbol, (HeadRequest | null)[]>)[kQueue]?.at(-1);
  if (request === undefined || request === null) return;
  request.rawHeadReader = reader;
  request.onResponseStart = handOver;
}

const handOver: OnResponseStart = function handOver(status, fields, resume, statusText) {
  if (isBufferList(fields) && this.rawHeadReader !== undefined && !headChannel.hasSubscribers) {
    this.rawHeadReader.takeRawHead(fields);
    fields.length = 0;
  }
  return parseHead.call(this, status, fields, resume, statusText);
};

function isBufferList(fields: unknown): fields is Buffer[] {
  return Array.isArray(fields);
}
