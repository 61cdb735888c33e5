import { once } from 'node:events';
import { createServer } from 'node:https';
import { createAuthority } from '@penstock/test-support';
import { listeningPort, MESSAGE } from './start-troubled-upstream.ts';

/** An upstream over TLS, whose authority only its own clients know. */
export interface TlsUpstream {
  readonly origin: string;
  /** The certificate of its authority. */
  readonly ca: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** So many responses on one connection, and the next one says that it was the last: TLS sessions are there to be resumed. */
const RESPONSES_A_CONNECTION = 10;

/** Starts it on a free loopback port; it answers every request well. */
export async function startTlsUpstream(): Promise<TlsUpstream> {
  const authority = createAuthority('penstock test');
  const server = createServer(authority.issue({ names: ['127.0.0.1'] }), (request, response) => {
    request.resume().once('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(MESSAGE));
  });
  server.maxRequestsPerSocket = RESPONSES_A_CONNECTION;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `https://127.0.0.1:${listeningPort(server)}`, ca: authority.cert,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
