import { connect } from 'node:net';
import { fieldValues, openRawConnection, statusOf, type RawConnection } from '@penstock/test-support';

/** One request of a scenario. */
export interface Ask {
  readonly method?: string;
  readonly path?: string;
  /** What the upstream is to do; it behaves without. */
  readonly fault?: string;
  /** The client key. @defaultValue that of alice, who may have one request open */
  readonly key?: string;
  /** More header lines, each with its line end. */
  readonly fields?: string;
  readonly body?: string | Buffer;
  /** Says how long the body is, where not all of it is sent. */
  readonly announced?: number;
}

export const ALICE = 'pen_alice-key-of-the-fault-matrix-00000001';
export const BOB = 'pen_bob-key-of-the-fault-matrix-000000002';
export const CAROL = 'pen_carol-key-of-the-fault-matrix-0000003';

/** A body that asks for a stream. */
export const STREAM_BODY = '{"model":"claude-test","max_tokens":8,"stream":true,"messages":[]}';

/** A body of `bytes` bytes, more than any socket buffer takes whole. */
export function bigBody(bytes: number): Buffer {
  const body = Buffer.alloc(bytes, 0x20);
  body.write('{"model":"claude-test","max_tokens":8,"messages":[]');
  body.write('}', bytes - 1);
  return body;
}

/** Waits; for faults that are about time itself. */
export const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

/** The bytes of a request, head and body. */
export function requestBytes({ method = 'POST', path = '/anthropic/v1/messages', fault, key = ALICE, fields = '', body = method === 'POST' ? STREAM_BODY : '', announced }: Ask): Buffer {
  const bytes = Buffer.from(body as string);
  const length = method === 'POST' && !/transfer-encoding/i.test(fields) ? `Content-Length: ${announced ?? bytes.length}\r\n` : '';
  const type = /content-type/i.test(fields) ? '' : 'Content-Type: application/json\r\n';
  const what = fault === undefined ? '' : `anthropic-fault: ${fault}\r\n`;
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: ${key}\r\n${type}${what}${fields}${length}\r\n`, 'latin1'), bytes]);
}

/** Sends a request on a connection of its own. */
export async function ask(port: number, request: Ask = {}): Promise<RawConnection> {
  const connection = await openRawConnection(port);
  connection.send(requestBytes(request));
  return connection;
}

/** What a client saw, in a few words: status and code of an error, or status and whether the body was whole; `closed` without a response. */
export async function readResult(connection: RawConnection, timeoutMs = 45_000): Promise<string> {
  try {
    const message = await connection.readMessage({ kind: 'response' }, timeoutMs);
    const [code] = fieldValues(message.rawHeaders, 'x-penstock-error');
    if (code !== undefined) return `${statusOf(message)} ${code}`;
    if (message.body.includes('event: error')) return `${statusOf(message)} error event`;
    return `${statusOf(message)} ${message.complete ? 'whole' : 'broken'}`;
  } catch (error) {
    if (connection.end() === 'open' && !connection.socket.destroyed) throw error;
    return 'closed';
  }
}

/** Sends a request, reads what comes of it, and closes. */
export async function askAndRead(port: number, request: Ask = {}): Promise<string> {
  const connection = await ask(port, request);
  try {
    return await readResult(connection);
  } finally {
    connection.close();
  }
}

/** Reads a large chunked response without keeping it, with a pause after every 256 KiB. */
export async function askAndCount(port: number, request: Ask, pauseMs = 0): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(requestBytes(request));
  let bytes = 0;
  let tail = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const before = bytes;
    bytes += chunk.length;
    tail = (tail + chunk.subarray(-8).toString('latin1')).slice(-8);
    if (tail.endsWith('\r\n0\r\n\r\n')) return '200 whole';
    if (before >> 18 !== bytes >> 18) await pause(pauseMs);
  }
  return `${bytes} bytes, broken`;
}
