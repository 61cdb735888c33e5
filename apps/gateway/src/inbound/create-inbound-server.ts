import { createServer, STATUS_CODES, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';

/** The certificate of an inbound TLS listener; texts in PEM. */
export interface InboundTls {
  readonly cert: string;
  readonly key: string;
  /** Requires a client certificate of this authority. */
  readonly clientCa?: string;
}

/** What an inbound listener needs. */
export interface InboundServerOptions {
  readonly onRequest: RequestListener;
  /** Answers a head that the HTTP parser refused. Returns the whole response body and its content type. */
  readonly describeParserError: (status: number) => { readonly headers: readonly string[]; readonly body: Buffer };
  readonly maxConnections: number;
  readonly tls?: InboundTls;
}

/** Inbound clocks and bounds; milliseconds and bytes. Not configurable: each is far from any honest client. */
export const INBOUND_LIMITS = Object.freeze({
  headersTimeoutMs: 10_000,
  connectionsCheckingIntervalMs: 1_000,
  keepAliveTimeoutMs: 75_000,
  maxHeaderBytes: 16_384,
  maxHeadersCount: 100,
});

const PARSER_STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * Makes the hardened HTTP/1.1 server that both listeners use. The body of a request has no total time limit here: whoever
 * reads it owns a progress clock (`BodyProgress`).
 */
export function createInboundServer(options: InboundServerOptions): Server {
  const httpOptions: ServerOptions = {
    maxHeaderSize: INBOUND_LIMITS.maxHeaderBytes,
    headersTimeout: INBOUND_LIMITS.headersTimeoutMs,
    requestTimeout: 0,
    connectionsCheckingInterval: INBOUND_LIMITS.connectionsCheckingIntervalMs,
    keepAliveTimeout: INBOUND_LIMITS.keepAliveTimeoutMs,
    requireHostHeader: true,
    insecureHTTPParser: false,
    joinDuplicateHeaders: false,
    rejectNonStandardBodyWrites: true,
    noDelay: true,
    highWaterMark: 65_536,
    optimizeEmptyRequests: true,
    keepAliveTimeoutBuffer: 1_000,
    shouldUpgradeCallback: () => false,
  };
  const { tls } = options;
  const server: Server = tls === undefined ? createServer(httpOptions) : createTlsServer({
    ...httpOptions, cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2',
    ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
  });
  server.maxHeadersCount = INBOUND_LIMITS.maxHeadersCount;
  server.maxConnections = options.maxConnections;
  server.timeout = 0;
  server.maxRequestsPerSocket = 0;
  server.on('request', options.onRequest);
  // A client that waits for 100 Continue is authenticated and measured first; whoever reads the body sends the 100.
  server.on('checkContinue', options.onRequest);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => answerParserError(error, socket, options));
  return server;
}

function answerParserError(error: NodeJS.ErrnoException, socket: Duplex, options: InboundServerOptions): void {
  // `_httpMessage` is Node's only sign that a response is under way on this socket; writing a second head would corrupt it.
  const hasResponse = (socket as Duplex & { _httpMessage?: { headersSent: boolean } | null })._httpMessage?.headersSent === true;
  if (error.code === 'ECONNRESET' || !socket.writable || hasResponse) {
    socket.destroy();
    return;
  }
  const status = PARSER_STATUS[error.code ?? ''] ?? 400;
  const { headers, body } = options.describeParserError(status);
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (let index = 0; index < headers.length; index += 2) head += `${headers[index]}: ${headers[index + 1]}\r\n`;
  socket.end(Buffer.concat([Buffer.from(`${head}content-length: ${body.length}\r\nconnection: close\r\n\r\n`, 'latin1'), body]));
  // A peer that never reads or closes must not keep the socket.
  setTimeout(() => socket.destroy(), 2_000).unref();
}
