import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** An egress proxy on loopback (CONNECT, RFC 9110 section 9.3.6) that resolves names in its own way. */
export interface ConnectProxy {
  readonly origin: string;
  /** Loopback ports by what clients ask for (`host:port`); anything else is refused with 403. */
  readonly routes: Map<string, number>;
  /** Each tunnel that was asked for, and the credentials that came with it. */
  readonly asked: readonly { readonly authority: string; readonly credentials: string | undefined }[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts an egress proxy without routes. */
export async function startConnectProxy(): Promise<ConnectProxy> {
  const routes = new Map<string, number>();
  const asked: { readonly authority: string; readonly credentials: string | undefined }[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer((_request, response) => { response.writeHead(405).end(); });
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    const authority = request.url ?? '';
    asked.push({ authority, credentials: request.headers['proxy-authorization'] });
    sockets.add(socket);
    socket.on('error', () => undefined);
    const port = routes.get(authority);
    if (port === undefined) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => { socket.destroy(); });
    socket.on('close', () => { onward.destroy(); });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, routes, asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
