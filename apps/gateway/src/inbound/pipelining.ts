import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const LAST_RESPONSE = Symbol('last response');

type MarkedSocket = Socket & { [LAST_RESPONSE]?: ServerResponse | undefined };

/**
 * Remembers the last response of the request's connection and tells whether this request came before that one was sent. Responses
 * leave in the order of their requests, so when the last was sent, all were. Node runs pipelined requests at the same time, which
 * RFC 9112 section 9.3.2 allows for safe methods only.
 */
export function isPipelined(request: IncomingMessage, response: ServerResponse): boolean {
  const socket = request.socket as MarkedSocket;
  const last = socket[LAST_RESPONSE];
  socket[LAST_RESPONSE] = response;
  return last !== undefined && !last.writableFinished;
}

/** Lets go of a response that ended: a quiet connection must not hold what its last request needed. */
export function forgetResponse(request: IncomingMessage, response: ServerResponse): void {
  const socket = request.socket as MarkedSocket;
  if (socket[LAST_RESPONSE] === response) socket[LAST_RESPONSE] = undefined;
}
