import { Buffer } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { isWriteLate } from '../node/write-at-once.ts';

const EMPTY = Buffer.alloc(0);

/**
 * Ends a response at once so that no client can take it for whole. A chunked or counted body shows it by missing its end;
 * one delimited by the close of the connection (HTTP/1.0) would look whole after FIN, so it gets RST.
 */
export function breakConnection(response: ServerResponse, isCloseDelimited: boolean): void {
  const { socket } = response;
  // TLS shows a cut by the missing close_notify (RFC 8446 section 6.1) and has no RST of its own.
  if (isCloseDelimited && socket !== null && !(socket instanceof TLSSocket) && !socket.destroyed) reset(socket);
  // Behind another response of its connection (pipelining) it has no socket yet: Node would write what is left of it in its turn, and wait for the rest for ever.
  if (socket === null && !response.writableEnded) response.once('socket', (own: Socket) => { own.destroy(); });
  response.destroy();
}

/** Sends RST where the connection has one. A Unix socket has none: nothing but the end of the connection can be shown there. */
function reset(socket: Socket): void {
  try {
    socket.resetAndDestroy();
  } catch {
    // Node refuses another connection than one over TCP; the caller destroys it.
  }
}

/**
 * Breaks a response once the client has what it is owed: all that was written before, and the failure event, if there is one. An event
 * also stays long enough for the client's HTTP stack to hand it on, before the broken connection makes it throw everything away.
 * Returns the timer of the longest wait; `undefined` when the connection was broken at once.
 */
export function breakAfter(response: ServerResponse, event: Uint8Array | undefined, lingerMs: number, isCloseDelimited: boolean): NodeJS.Timeout | undefined {
  const breakNow = (): void => breakConnection(response, isCloseDelimited);
  if (event === undefined && response.writableLength === 0 && (response.socket === null || !isWriteLate(response.socket))) {
    breakNow();
    return undefined;
  }
  const linger = setTimeout(breakNow, lingerMs);
  response.write(event ?? EMPTY, () => { if (event === undefined) breakNow(); });
  return linger;
}
