import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { wrapSocket, type RawConnection } from './raw-connection.ts';
import type { WireMessage } from './http-message.ts';

/** One connection that a scripted upstream accepted. */
export interface ScriptedConnection extends RawConnection {
  /** 0 for the first connection the upstream accepted. */
  readonly index: number;
  /** Reads the next whole request and records it in `upstream.requests`. */
  nextRequest(timeoutMs?: number): Promise<WireMessage>;
}

/** An origin whose every byte is written by the test. */
export interface ScriptedUpstream {
  readonly port: number;
  readonly origin: string;
  /** All connections accepted so far, closed ones included. */
  readonly connections: readonly ScriptedConnection[];
  /** All whole requests read so far, over all connections, in order of completion. */
  readonly requests: readonly WireMessage[];
  /** How many connections are open now. */
  openConnections(): number;
  /** The largest number that were ever open at once. */
  peakConnections(): number;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a scripted upstream does with one connection; a rejection destroys it. */
export type ConnectionScript = (connection: ScriptedConnection, upstream: ScriptedUpstream) => Promise<void> | void;

/** Starts an origin on a free loopback port that runs `script` for each connection. */
export async function startScriptedUpstream(script: ConnectionScript, options: { readonly port?: number; readonly server?: Server } = {}): Promise<ScriptedUpstream> {
  const connections: ScriptedConnection[] = [];
  const requests: WireMessage[] = [];
  let open = 0;
  let peak = 0;
  const server = options.server ?? createServer({ noDelay: true });
  server.on(options.server === undefined ? 'connection' : 'secureConnection', (socket) => {
    open += 1;
    peak = Math.max(peak, open);
    socket.once('close', () => { open -= 1; });
    const raw = wrapSocket(socket);
    const connection: ScriptedConnection = {
      ...raw,
      index: connections.length,
      nextRequest: async (timeoutMs) => {
        const request = await raw.readMessage({ kind: 'request' }, timeoutMs);
        if (request.complete) requests.push(request);
        return request;
      },
    };
    connections.push(connection);
    Promise.resolve().then(() => script(connection, upstream)).catch(() => { connection.close(); });
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    for (const connection of connections) connection.close();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  const upstream: ScriptedUpstream = {
    port, origin: `${options.server === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, connections, requests,
    openConnections: () => open, peakConnections: () => peak, close, [Symbol.asyncDispose]: close,
  };
  return upstream;
}

/** A script that answers every request on a connection with the same bytes, keep-alive, until the peer leaves. */
export function answerAlways(response: string | Uint8Array | ((request: WireMessage) => string | Uint8Array)): ConnectionScript {
  return async (connection) => {
    while (connection.end() === 'open') {
      const request = await connection.nextRequest(600_000);
      if (!request.complete) return;
      connection.send(typeof response === 'function' ? response(request) : response);
    }
  };
}

/** A whole response with `content-length`, for `answerAlways`. */
export function wholeResponse(status: number, rawHeaders: readonly string[], body: string | Uint8Array): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body);
  let head = `HTTP/1.1 ${status} Scripted\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2) head += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  return Buffer.concat([Buffer.from(`${head}content-length: ${bytes.length}\r\n\r\n`, 'latin1'), bytes]);
}
