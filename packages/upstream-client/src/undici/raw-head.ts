import type { Client } from 'undici';
import { textFields } from '../exchange/text-fields.ts';
import { headChannel, takeFields } from './short-head.ts';
import { disableShortcut, isDisabled } from './shortcuts.ts';
import { kQueue, Request } from './undici-parts.ts';

/** Receives the fields of a response head: names and values in turn, as they came (RFC 9110 section 5.5), each a latin1 text. */
export interface RawHeadReader {
  takeRawHead(fields: string[]): void;
}

type OnResponseStart = (this: HeadRequest, status: number, fields: unknown, resume: () => void, statusText: string) => boolean;

/** undici's own request, as far as its head goes. */
interface HeadRequest {
  onResponseStart: OnResponseStart;
  /** The fields of the request, which were written before a response could come. */
  readonly headers?: unknown;
  rawHeadReader?: RawHeadReader;
}

const parseHead = (Request.prototype as unknown as Partial<HeadRequest>).onResponseStart;
/**
 * Passes the fields of the response to the request that was dispatched last on `client` to `reader`, and an empty list to undici, which then
 * builds no object of them; the fields of the request are released by then. Equivalent to reading `controller.rawHeaders`; a fifteenth less CPU time for a bare pass-through of a small
 * request (docs/decisions/0006). Call it in the turn of the `dispatch`. HTTP/2 has no list, and is left as it is. Returns whether it is done so.
 *
 * Where undici's queue or request is not as expected, the shortcut is off and undici parses the head.
 */
export function readRawHead(client: Client, reader: RawHeadReader): boolean {
  if (isDisabled('raw_head')) return false;
  const queue = (client as unknown as Record<symbol, unknown>)[kQueue];
  if (!Array.isArray(queue)) { disableShortcut('raw_head', 'the queue of an undici client is not an array'); return false; }
  const request: unknown = queue.at(-1);
  // undici puts `null` in the place of a request that is over, and adds none for a request that it refuses.
  if (request === undefined || request === null) return false;
  if (!isHeadRequest(request)) { disableShortcut('raw_head', 'the last entry of an undici queue is not a request whose `onResponseStart` takes four arguments'); return false; }
  request.rawHeadReader = reader;
  request.onResponseStart = handOver;
  return true;
}

function isHeadRequest(request: unknown): request is HeadRequest {
  return request instanceof (Request as unknown as new () => object) && parseHead?.length === 4;
}

const handOver: OnResponseStart = function handOver(status, fields, resume, statusText) {
  const whole = takeFields();
  if (isBufferList(fields) && this.rawHeadReader !== undefined && (whole !== undefined || !headChannel.hasSubscribers)) {
    this.rawHeadReader.takeRawHead(whole ?? textFields(fields));
    fields.length = 0;
    // The request would keep its own fields, too, for as long as the response lasts.
    if (status >= 200 && Array.isArray(this.headers)) this.headers.length = 0;
  }
  return (parseHead as OnResponseStart).call(this, status, fields, resume, statusText);
};

function isBufferList(fields: unknown): fields is Buffer[] {
  return Array.isArray(fields);
}
