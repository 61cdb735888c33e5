import type { IncomingMessage, ServerResponse } from 'node:http';
import { DEFAULT_INBOUND_LIMITS } from './inbound-limits.ts';
import { InboundMessage } from './inbound-message.ts';

/** A whole response. */
export interface WholeResponse {
  readonly status: number;
  /** Flat names and values, without framing fields. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

const KEEP_ALIVE_UNREAD_BYTES = 64 * 1024;

/**
 * Writes a whole response and resolves with the body bytes written when it is over, however it ended.
 *
 * It may come while the client still sends its body. A short announced rest is read and thrown away, and the connection kept.
 * Otherwise the connection is closed behind the response, and lingers (`lingerOnClose`) so that the client can read the answer.
 */
export function respond(request: IncomingMessage, response: ServerResponse, whole: WholeResponse): Promise<number> {
  if (response.destroyed || response.headersSent) return Promise.resolve(0);
  // Node hands over a request without a body before it is complete, and emits no end for it: there is nothing to wait for.
  const isUnread = announcesBody(request) && !request.complete && !(request instanceof InboundMessage && request.isBodyConsumed);
  // A client that was too slow for its body is not waited for any longer.
  const closes = isUnread && (whole.status === 408 || !isSmallRest(request));
  const headers = [...whole.headers];
  // A 204 has no body and must not have a length (RFC 9110 section 8.6).
  if (whole.status !== 204) headers.push('content-length', String(whole.body.length));
  if (closes && !headers.includes('connection')) headers.push('connection', 'close');
  const hasBody = request.method !== 'HEAD' && whole.body.length > 0;
  const written = untilClosed(request, response, hasBody ? whole.body.length : 0);
  response.writeHead(whole.status, headers);
  if (hasBody) response.end(whole.body); else response.end();
  if (closes) request.resume();
  else if (isUnread) discardRest(request);
  return written;
}

function untilClosed(request: IncomingMessage, response: ServerResponse, bodyBytes: number): Promise<number> {
  return new Promise((resolve) => {
    const { socket } = request;
    const settle = (): void => {
      response.off('close', settle);
      socket.off('close', settle);
      resolve(response.writableFinished ? bodyBytes : 0);
    };
    response.on('close', settle);
    // Behind a pipelined request a response waits for the socket; if the socket closes first, Node emits no close on the response.
    if (response.socket === null) socket.on('close', settle);
  });
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** A short announced body is read to its end by Node after the response, and the connection can be kept. */
function isSmallRest(request: IncomingMessage): boolean {
  const announced = request.headers['content-length'];
  if (announced === undefined) return request.headers['transfer-encoding'] === undefined;
  return Number(announced) <= KEEP_ALIVE_UNREAD_BYTES && request.headers.expect === undefined;
}

/** Discards the rest of a body for `lingerMs`; then the connection is destroyed. */
export function discardRest(request: IncomingMessage, lingerMs: number = DEFAULT_INBOUND_LIMITS.lingerMs): void {
  // No other timer watches the progress of such a body.
  const timer = setTimeout(() => request.socket.destroy(), lingerMs);
  const { socket } = request;
  // The connection lives on and must not gather listeners.
  const stop = (): void => {
    clearTimeout(timer);
    request.off('end', stop);
    request.off('close', stop);
    socket.off('close', stop);
  };
  request.on('end', stop);
  request.on('close', stop);
  socket.on('close', stop);
  request.resume();
}
