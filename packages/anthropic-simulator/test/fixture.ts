import { openRawConnection, readEvents, sendRawRequest, type RawConnection, type WireMessage } from '@penstock/test-support';
import type { Simulator } from '../src/index.ts';

/** A question that every scenario accepts. */
export const QUESTION = { max_tokens: 500, messages: [{ role: 'user', content: 'Hello, penstock' }] } as const;

/** The bytes of a request as a plain client would send it. */
export function requestBytes(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}, method = 'POST'): Buffer {
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const fields = { host: 'localhost', 'anthropic-version': '2023-06-01', 'content-type': 'application/json', 'content-length': String(bytes.length), ...headers };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${head}\r\n`, 'latin1'), bytes]);
}

/** Sends one request on a connection of its own and reads the answer as it stood on the wire. */
export async function ask(simulator: Simulator, path: string, body: unknown, headers: Readonly<Record<string, string>> = {}, method = 'POST'): Promise<WireMessage> {
  return sendRawRequest(simulator.port, requestBytes(path, body, headers, method), { toHead: method === 'HEAD' });
}

/** Asks a model over `/v1/messages`. */
export function askModel(simulator: Simulator, model: string, more: object = {}, headers: Readonly<Record<string, string>> = {}): Promise<WireMessage> {
  return ask(simulator, '/v1/messages', { model, ...QUESTION, ...more }, headers);
}

/** Opens a connection, asks a streaming question and leaves the rest to the test. */
export async function openStream(simulator: Simulator, model: string, headers: Readonly<Record<string, string>> = {}, more: object = {}): Promise<RawConnection> {
  const connection = await openRawConnection(simulator.port);
  connection.send(requestBytes('/v1/messages', { model, ...QUESTION, stream: true, ...more }, headers));
  return connection;
}

/** A JSON value of a body, untyped as tests want it. */
export function jsonOf(message: WireMessage): Readonly<Record<string, unknown>> {
  return record(JSON.parse(message.body.toString()));
}

/** The payloads of a stream's events. */
export function payloadsOf(body: Uint8Array): ReadonlyArray<Readonly<Record<string, unknown>>> {
  const { events, tail } = readEvents(body);
  if (tail !== '') throw new Error(`unterminated tail ${JSON.stringify(tail)}`);
  return events.map((event) => {
    const payload = record(JSON.parse(event.data));
    if (payload['type'] !== event.event) throw new Error(`event ${event.event} carries type ${String(payload['type'])}`);
    return payload;
  });
}

/** The value as an object, or an error that shows it. */
export function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new TypeError(`expected an object, received ${JSON.stringify(value)}`);
  return Object.fromEntries(Object.entries(value));
}

/** The value as a list of objects. */
export function records(value: unknown): ReadonlyArray<Readonly<Record<string, unknown>>> {
  if (!Array.isArray(value)) throw new TypeError(`expected a list, received ${JSON.stringify(value)}`);
  return value.map(record);
}
