import type { ServerResponse } from 'node:http';

/**
 * Whether nobody can read the rest of an unfinished response, although its `close` may not have come yet: Node tells of a
 * connection's end only after everything else that arrived with it. A client that merely closed its sending side is still
 * there where the server allows that; where not, Node has closed the other side in return.
 */
export function hasClientLeft(response: ServerResponse): boolean {
  // A response that waits behind another one has no socket of its own yet.
  const { socket } = response.req;
  return response.destroyed || socket.destroyed || (socket.readableEnded && socket.writableEnded);
}
