import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const LAST_RESPONSE = Symbol('last response');
const LAST_READ = Symbol('bytes read with the last request');

type MarkedSocket = Socket & { [LAST_RESPONSE]?: ServerResponse | undefined; [LAST_READ]?: number };

/**
 * Remembers the last response of the request's connection and tells whether this request came before that one was sent. Responses
 * leave in the order of their requests, so when the last was sent, all were; and what was read together with its predecessor came before
 * that one was answered, however fast that was. Node runs pipelined requests at the same time, which RFC 9112 section 9.3.2 allows for
 * safe methods only.
 */
export function isPipelined(request: IncomingMessage, response: ServerResponse): boolean {
  const socket = request.socket as MarkedSocket;
  const last = socket[LAST_RESPONSE];
  socket[LAST_RESPONSE] = response;
  const { bytesRead } = socket;
  const cameTogether = bytesRead > 0 && socket[LAST_READ] === bytesRead;
  socket[LAST_READ] = bytesRead;
  return cameTogether || (last !== undefined && !last.writableFinished);
}

/** Lets go of a response that ended: a quiet connection must not hold what its last request needed. */
export function forgetResponse(request: IncomingMessage, response: ServerResponse): void {
  const socket = request.socket as MarkedSocket;
  if (socket[LAST_RESPONSE] === response) socket[LAST_RESPONSE] = undefined;
}
