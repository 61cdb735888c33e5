/** A flat list of header names and values, in wire order, as latin1 strings. */
export type RawHeaders = readonly string[];

/** One HTTP/1.1 message as it stood on the wire. */
export interface WireMessage {
  /** The request line or status line, without its line end. */
  readonly startLine: string;
  /** Names and values in wire order, case kept, latin1. */
  readonly rawHeaders: RawHeaders;
  /** The body with its framing removed. */
  readonly body: Buffer;
  /** Trailer fields after a chunked body. */
  readonly rawTrailers: RawHeaders;
  /** Every byte of the message, framing included. */
  readonly bytes: Buffer;
  /** How the body was delimited. */
  readonly framing: 'none' | 'content-length' | 'chunked' | 'close';
  /** Whether the framing says that the body ended. A body delimited by close is never complete before the close. */
  readonly complete: boolean;
}

/** What the parser needs to know about the exchange. */
export interface MessageContext {
  readonly kind: 'request' | 'response';
  /** The response answers a HEAD request: no body follows, whatever its fields say. */
  readonly toHead?: boolean;
  /** The peer closed the connection: a close-delimited body ends here. */
  readonly ended?: boolean;
}

interface Body {
  readonly framing: WireMessage['framing'];
  readonly body: Buffer;
  readonly rawTrailers: string[];
  readonly end: number;
  readonly complete: boolean;
}

/**
 * Reads one HTTP/1.1 message from the front of `bytes` (RFC 9112), or `undefined` while its head is incomplete.
 * It is strict where a gateway must be: bad chunk framing throws instead of being guessed at.
 */
export function parseMessage(bytes: Buffer, context: MessageContext): WireMessage | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [startLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const rawHeaders = parseFields(lines);
  const body = readBody(bytes, headEnd + 4, startLine, rawHeaders, context);
  return {
    startLine, rawHeaders, body: body.body, rawTrailers: body.rawTrailers,
    bytes: bytes.subarray(0, body.end), framing: body.framing, complete: body.complete,
  };
}

/** The values of one field, in wire order; names compare without case (RFC 9110 section 5.1). */
export function fieldValues(rawHeaders: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name.toLowerCase()) values.push(rawHeaders[index + 1] ?? '');
  }
  return values;
}

/** The status code of a response. */
export function statusOf(message: WireMessage): number {
  return Number(message.startLine.split(' ')[1]);
}

function parseFields(lines: readonly string[]): string[] {
  const fields: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error(`not a header field: ${JSON.stringify(line)}`);
    fields.push(line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, ''));
  }
  return fields;
}

function readBody(bytes: Buffer, start: number, startLine: string, rawHeaders: RawHeaders, context: MessageContext): Body {
  const codings = fieldValues(rawHeaders, 'transfer-encoding');
  const lengths = fieldValues(rawHeaders, 'content-length');
  const status = context.kind === 'response' ? Number(startLine.split(' ')[1]) : 0;
  const isBodyless = context.toHead === true || (status >= 100 && status < 200) || status === 204 || status === 304;
  const nothing: Body = { framing: 'none', body: Buffer.alloc(0), rawTrailers: [], end: start, complete: true };
  if (isBodyless) return nothing;
  if (codings.length > 0) return readChunked(bytes, start);
  if (lengths.length > 0) {
    const end = start + Number(lengths[0]);
    const body = Buffer.from(bytes.subarray(start, Math.min(end, bytes.length)));
    return { framing: 'content-length', body, rawTrailers: [], end: Math.min(end, bytes.length), complete: bytes.length >= end };
  }
  if (context.kind === 'request') return nothing;
  return { framing: 'close', body: Buffer.from(bytes.subarray(start)), rawTrailers: [], end: bytes.length, complete: context.ended === true };
}

function readChunked(bytes: Buffer, start: number): Body {
  const chunks: Buffer[] = [];
  let offset = start;
  const partial = (): Body => ({ framing: 'chunked', body: Buffer.concat(chunks), rawTrailers: [], end: bytes.length, complete: false });
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', offset);
    if (lineEnd === -1) return partial();
    const sizeText = bytes.toString('latin1', offset, lineEnd).split(';')[0] ?? '';
    if (!/^[0-9a-f]+$/i.test(sizeText)) throw new Error(`not a chunk size: ${JSON.stringify(sizeText)}`);
    const size = Number.parseInt(sizeText, 16);
    offset = lineEnd + 2;
    if (size === 0) break;
    chunks.push(Buffer.from(bytes.subarray(offset, Math.min(offset + size, bytes.length))));
    if (bytes.length < offset + size + 2) return partial();
    if (bytes.toString('latin1', offset + size, offset + size + 2) !== '\r\n') throw new Error('a chunk does not end where its size says');
    offset += size + 2;
  }
  if (bytes.length < offset + 2) return partial();
  if (bytes.toString('latin1', offset, offset + 2) === '\r\n') {
    return { framing: 'chunked', body: Buffer.concat(chunks), rawTrailers: [], end: offset + 2, complete: true };
  }
  const trailerEnd = bytes.indexOf('\r\n\r\n', offset);
  if (trailerEnd === -1) return partial();
  const rawTrailers = parseFields(bytes.toString('latin1', offset, trailerEnd).split('\r\n'));
  return { framing: 'chunked', body: Buffer.concat(chunks), rawTrailers, end: trailerEnd + 4, complete: true };
}
