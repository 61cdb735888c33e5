import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A `node:http` upstream on a free loopback port that keeps count of its sockets. */
export interface LocalServer {
  readonly origin: string;
  readonly port: number;
  /** Sockets open now. */
  open(): number;
  /** Sockets accepted so far, and the most that were open at once. */
  accepted(): number;
  peak(): number;
  readonly sockets: ReadonlySet<Socket>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts it; `keepAliveTimeout` is off, so that only the client closes idle connections. */
export async function startLocalServer(listener: (inbound: IncomingMessage, response: ServerResponse) => void): Promise<LocalServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  let peak = 0;
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, listener);
  server.on('connection', (socket) => {
    sockets.add(socket);
    accepted += 1;
    peak = Math.max(peak, sockets.size);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    port: address.port,
    open: () => sockets.size,
    accepted: () => accepted,
    peak: () => peak,
    sockets,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
}
