import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const OPEN_RESPONSES = Symbol('open responses');

type CountedSocket = Socket & { [OPEN_RESPONSES]?: number };

/**
 * Counts the responses under way on the request's connection and tells whether this request came before the previous one was
 * answered. Node runs pipelined requests at the same time, which RFC 9112 section 9.3.2 allows for safe methods only.
 */
export function isPipelined(request: IncomingMessage, response: ServerResponse): boolean {
  const socket = request.socket as CountedSocket;
  const open = socket[OPEN_RESPONSES] ?? 0;
  socket[OPEN_RESPONSES] = open + 1;
  response.once('close', () => { socket[OPEN_RESPONSES] = (socket[OPEN_RESPONSES] ?? 1) - 1; });
  return open > 0;
}
