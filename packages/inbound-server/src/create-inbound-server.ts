import { Buffer } from 'node:buffer';
import { createServer, ServerResponse, STATUS_CODES, type IncomingMessage, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { ConnectionPlaces, type FullListenerAction } from './connection-places.ts';
import { InboundConnection, KEEP_ALIVE_BUFFER_MS } from './inbound-connection.ts';
import { canBeLazy, handOverRequests, InboundMessage } from './inbound-message.ts';
import type { InboundLimits } from './inbound-limits.ts';
import { PacedMessage } from './paced-message.ts';
import { lingerOnClose, startLingering } from './linger-on-close.ts';
import { respond, type WholeResponse } from './respond.ts';
import type { OptionType } from '@penstock/option-names';
import { checkOptions, requireCount, resolveInboundLimits } from './resolve-options.ts';
import { isParsingStopped, stopParsing } from './stop-parsing.ts';

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
  /** Header fields and body of the response to bytes that Node's HTTP parser refuses. @defaultValue the reason phrase as text/plain */
  readonly describeParserError?: (status: number) => Pick<WholeResponse, 'headers' | 'body'>;
  /** Open connections at once. @defaultValue 8_000 */
  readonly maxConnections?: number;
  /** Called for each connection that found all places taken. @defaultValue nothing is done */
  readonly onFull?: (action: FullListenerAction) => void;
  /** Whether a peer is a proxy of ours, whose connections are kept as if they were authenticated. @defaultValue none is */
  readonly isTrusted?: (socket: Socket) => boolean;
  /** Limits that differ from `DEFAULT_INBOUND_LIMITS`. */
  readonly limits?: Partial<InboundLimits>;
  readonly tls?: InboundTls;
  /**
   * Turns off what is done through private parts of Node for speed: request fields that become an object when they are first read, and bodies that
   * are read without a listener. @defaultValue false
   */
  readonly plain?: boolean;
}

type DescribeParserError = NonNullable<InboundServerOptions['describeParserError']>;

const OPTION_TYPES: Readonly<Record<keyof InboundServerOptions, OptionType>> = {
  onRequest: 'function', describeParserError: 'function?', maxConnections: 'number?', onFull: 'function?', isTrusted: 'function?', limits: 'object?', tls: 'object?', plain: 'boolean?',
};
const DEFAULT_MAX_CONNECTIONS = 8_000;

/** Node's own, which its types leave out: the TCP socket beneath a TLS socket. */
type SecureSocket = Socket & { readonly _parent?: Socket | null };

const PARSER_STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * Creates a hardened HTTP/1.1 server. Throws an `InboundServerError` for options that cannot be used. The server sets no time limit for a whole body:
 * the handler that reads it uses `BodyProgress`, which limits the time for each step of it.
 */
export function createInboundServer(options: InboundServerOptions): Server {
  checkOptions(options, OPTION_TYPES);
  const { tls, maxConnections = DEFAULT_MAX_CONNECTIONS, describeParserError = describePlainly } = options;
  requireCount('maxConnections', maxConnections);
  const limits = resolveInboundLimits(options.limits);
  const baseOptions = describeHttpOptions(limits);
  const isLazy = options.plain !== true && canBeLazy(baseOptions);
  const httpOptions: ServerOptions<typeof PacedMessage> = { ...baseOptions, IncomingMessage: isLazy ? InboundMessage : PacedMessage };
  const server: Server = tls === undefined ? createServer(httpOptions) : createTlsServer({
    ...httpOptions, ...describeContext(tls), handshakeTimeout: limits.headersTimeoutMs,
    ...(tls.clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
  });
  // Fields beyond this are hidden from us by older Nodes, which go on with the rest; one more than the limit can be counted.
  server.maxHeadersCount = limits.maxHeadersCount + 1;
  server.timeout = 0;
  server.maxRequestsPerSocket = 0;
  if (isLazy) handOverRequests(server);
  const onRequest: RequestListener = (request, response) => {
    // What comes behind a response that closed the connection, or behind a pipelined request, was never accepted.
    if (isParsingStopped(request.socket)) {
      request.resume();
      return;
    }
    InboundConnection.of(request.socket)?.requestArrived(response);
    if (request.rawHeaders.length > 2 * limits.maxHeadersCount) void respond(request, response, tooManyFields(describeParserError));
    else options.onRequest(request, response);
  };
  const places = new ConnectionPlaces({
    maxConnections, times: limits, isTrusted: options.isTrusted ?? (() => false), onFull: options.onFull ?? (() => undefined),
  });
  // Before Node's own listener, which makes a parser.
  server.prependListener('connection', (socket: Socket) => { places.take(socket); });
  if (tls === undefined) server.on('connection', (socket: Socket) => lingerOnClose(socket, limits));
  else server.on('secureConnection', (socket: SecureSocket) => {
    if (socket._parent != null) InboundConnection.of(socket._parent)?.attach(socket);
    lingerOnClose(socket, limits);
  });
  server.on('request', onRequest);
  // A client that waits for 100 Continue is authenticated and measured first; the first read of the body sends the 100.
  server.on('checkContinue', onRequest);
  // `validateRequestHead` refuses every other expectation with a message; Node would answer an empty 417.
  server.on('checkExpectation', onRequest);
  // Without a listener Node destroys the connection, and the client cannot know why.
  server.on('connect', (request: IncomingMessage, socket) => onRequest(request, responseOn(socket as Socket, request)));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => answerParserError(error, socket as Socket, describeParserError, limits));
  return server;
}

/** The response to a CONNECT: Node hands over its bare socket and takes no further part. It is the last on its connection. */
function responseOn(socket: Socket, request: IncomingMessage): ServerResponse & { req: IncomingMessage } {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  socket.on('error', () => socket.destroy());
  response.on('finish', () => socket.destroySoon());
  return response;
}

function describeContext({ cert, key, clientCa }: InboundTls): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2', ...(clientCa === undefined ? {} : { ca: clientCa }) };
}

/** Shows connections to come another certificate; those that are open keep theirs. Whether clients need one cannot be changed. */
export function renewCertificate(server: Server, tls: InboundTls | undefined): void {
  if (server instanceof TlsServer && tls !== undefined) server.setSecureContext(describeContext(tls));
}

function describePlainly(status: number): Pick<WholeResponse, 'headers' | 'body'> {
  return { headers: ['content-type', 'text/plain'], body: Buffer.from(STATUS_CODES[status] ?? '') };
}

/** As newer Nodes answer it themselves. */
function tooManyFields(describe: DescribeParserError): WholeResponse {
  const { headers, body } = describe(431);
  return { status: 431, headers: [...headers, 'connection', 'close'], body };
}

function describeHttpOptions(limits: InboundLimits): ServerOptions {
  return {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: 0,
    connectionsCheckingInterval: limits.connectionsCheckingIntervalMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // `validateRequestHead` refuses a missing Host with a message; Node would answer an empty 400.
    requireHostHeader: false,
    insecureHTTPParser: false,
    joinDuplicateHeaders: false,
    rejectNonStandardBodyWrites: true,
    noDelay: true,
    // A client that vanished while its stream is quiet is found by the kernel's probes; nothing that we write would find it.
    keepAlive: true,
    keepAliveInitialDelay: limits.tcpKeepAliveMs,
    highWaterMark: 65_536,
    optimizeEmptyRequests: true,
    keepAliveTimeoutBuffer: KEEP_ALIVE_BUFFER_MS,
    shouldUpgradeCallback: () => false,
  };
}

/** `_httpMessage` is Node's only sign that a response is under way on a socket; writing a second head would corrupt it. */
type HttpSocket = Socket & { _httpMessage?: ServerResponse | null };

/**
 * Answers what the parser refused, once. What is refused may be behind a request that is whole, or inside one that was answered already:
 * then the answer of that request goes out, and the connection ends behind it. A refusal in its place would be taken for that answer.
 */
function answerParserError(error: NodeJS.ErrnoException, socket: HttpSocket, describe: DescribeParserError, limits: InboundLimits): void {
  // The parser reports every later byte of a broken connection again.
  if (isParsingStopped(socket) && error.code !== 'ECONNRESET') return;
  const underWay = socket._httpMessage;
  const isAnswerWhole = underWay?.req.complete === true || underWay?.writableEnded === true;
  if (error.code === 'ECONNRESET' || !socket.writable || (underWay?.headersSent === true && !isAnswerWhole)) {
    socket.destroy();
    return;
  }
  if (underWay && isAnswerWhole) {
    underWay.shouldKeepAlive = false;
    underWay.once('close', () => startLingering(socket, limits));
    stopParsing(socket);
    return;
  }
  const status = PARSER_STATUS[error.code ?? ''] ?? 400;
  const { headers, body } = describe(status);
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (let index = 0; index < headers.length; index += 2) head += `${headers[index]}: ${headers[index + 1]}\r\n`;
  socket.write(Buffer.concat([Buffer.from(`${head}content-length: ${body.length}\r\nconnection: close\r\n\r\n`, 'latin1'), body]));
  startLingering(socket, limits);
}
