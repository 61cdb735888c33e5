import type { ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';

/**
 * Ends a response at once so that no client can take it for whole. A chunked or counted body shows it by missing its end;
 * one delimited by the close of the connection (HTTP/1.0) would look whole after FIN, so it gets RST.
 */
export function breakConnection(response: ServerResponse, isCloseDelimited: boolean): void {
  const { socket } = response;
  // TLS shows a cut by the missing close_notify (RFC 8446 section 6.1) and has no RST of its own.
  if (isCloseDelimited && socket !== null && !(socket instanceof TLSSocket) && !socket.destroyed) socket.resetAndDestroy();
  response.destroy();
}
