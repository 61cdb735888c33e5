import { sendRawRequest, type WireMessage } from '@penstock/test-support';

/** One request to the native side, as raw as a test needs it. */
export interface NativeRequest {
  /** @defaultValue 'POST' */
  readonly method?: string;
  /** Below `/anthropic`. @defaultValue '/v1/messages' */
  readonly path?: string;
  /** Whole lines, each with its line end, besides `Host` and the length. */
  readonly fields?: string;
  readonly body?: string | Uint8Array;
}

/** What JSON routes ask of a request. */
export const JSON_TYPE = 'Content-Type: application/json\r\n';

/** The bytes of a request. */
export function requestBytes({ method = 'POST', path = '/v1/messages', fields = JSON_TYPE, body = '' }: NativeRequest): Buffer {
  const bytes = Buffer.from(body as string);
  const length = method === 'GET' || method === 'HEAD' ? '' : `Content-Length: ${bytes.length}\r\n`;
  return Buffer.concat([Buffer.from(`${method} /anthropic${path} HTTP/1.1\r\nHost: localhost\r\n${fields}${length}\r\n`, 'latin1'), bytes]);
}

/** Sends a request on a connection of its own and returns the answer. */
export function ask(port: number, request: NativeRequest): Promise<WireMessage> {
  return sendRawRequest(port, requestBytes(request), { toHead: request.method === 'HEAD' });
}

/** One chunk of a chunked body. */
export function chunk(bytes: string | Uint8Array): Buffer {
  const data = Buffer.from(bytes as string);
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);
}

/** The head of a streamed answer whose body comes in chunks. */
export const STREAM_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n';

/** What ends a chunked body. */
export const LAST_CHUNK = '0\r\n\r\n';

/** A small request for a stream. */
export const STREAM_BODY = '{"model":"claude-x","max_tokens":5,"stream":true,"messages":[]}';
