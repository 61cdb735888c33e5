import type { Socket } from 'node:net';
import { kParser } from './undici-parts.ts';

/** undici's parser of one connection, as far as heads go. */
interface HeadParser {
  onHeadersComplete: OnHeadersComplete;
}

type OnHeadersComplete = (this: HeadParser, status: number, upgrade: boolean, shouldKeepAlive: boolean) => number;

const CONTINUE = 100;
const PROCESSING = 102;

/**
 * Has undici take a `100 Continue` that no request asked for as it takes a 102: as one more 1xx response before the final one, which a client
 * must be able to parse (RFC 9110 section 15.2). undici itself closes the connection: it sends no `Expect`.
 */
export function skipUnexpectedContinue(socket: Socket): void {
  const parser = (socket as unknown as Record<symbol, HeadParser | undefined>)[kParser];
  if (typeof parser?.onHeadersComplete === 'function') parser.onHeadersComplete = onHeadersComplete;
}

const onHeadersComplete: OnHeadersComplete = function onHeadersComplete(status, upgrade, shouldKeepAlive) {
  const { onHeadersComplete: original } = Object.getPrototypeOf(this) as HeadParser;
  return original.call(this, status === CONTINUE ? PROCESSING : status, upgrade, shouldKeepAlive);
};
