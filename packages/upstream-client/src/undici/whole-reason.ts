import type { Socket } from 'node:net';
import { kParser } from './undici-parts.ts';

/** undici's parser of one connection, as far as status lines go. */
interface StatusParser {
  statusText: string;
  onMessageBegin: OnMessageBegin;
  onStatus: OnStatus;
}

type OnMessageBegin = (this: StatusParser) => number;
type OnStatus = (this: StatusParser, piece: Buffer) => number;

/**
 * Has undici join the pieces of a reason phrase (RFC 9112 section 4) whose status line arrived in several reads. undici itself keeps the last piece:
 * of "OK", cut in the middle, it delivers "K". A character of several
 * bytes that is cut becomes replacement characters. Where undici's parser is not as expected, it is left as it is.
 */
export function joinReasonPhrase(socket: Socket): void {
  const parser = (socket as unknown as Record<symbol, Partial<StatusParser> | undefined>)[kParser];
  if (typeof parser?.onStatus !== 'function' || typeof parser.onMessageBegin !== 'function' || parser.statusText !== '') return;
  parser.onMessageBegin = onMessageBegin;
  parser.onStatus = onStatus;
}

const onMessageBegin: OnMessageBegin = function onMessageBegin() {
  // The one of a 1xx response is still here.
  this.statusText = '';
  return (Object.getPrototypeOf(this) as StatusParser).onMessageBegin.call(this);
};

const onStatus: OnStatus = function onStatus(piece) {
  const before = this.statusText;
  const { onStatus: original } = Object.getPrototypeOf(this) as StatusParser;
  const result = original.call(this, piece);
  if (before !== '') this.statusText = before + this.statusText;
  return result;
};
