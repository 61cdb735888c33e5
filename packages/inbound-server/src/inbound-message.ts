import { channel } from 'node:diagnostics_channel';
import { IncomingMessage, type Server, type ServerOptions } from 'node:http';
import { ChunkList } from './chunk-list.ts';
import { findFieldsReadByNode } from './fields-read-by-node.ts';
import { PacedMessage } from './paced-message.ts';
import { disableShortcut, isDisabled } from './shortcuts.ts';

/** By their length: the fields that Node itself reads before it emits a request (`parserOnIncoming` of node:http). */
const READ_BY_NODE: Readonly<Record<number, string>> = { 2: 'te', 4: 'host', 6: 'expect', 14: 'content-length', 17: 'transfer-encoding' };
/** Its subscribers get the request before it is emitted. */
const startChannel = channel('http.server.request.start');

/**
 * A request that builds the object of its fields when it is first read after the request was emitted. Node reads up to five fields of every request
 * through `headers` before, for which node:http makes an entry for each field: more work than validating them all. Equivalent to `IncomingMessage`
 * (docs/decisions/0007).
 */
export class InboundMessage extends PacedMessage {
  /** Whether the request was emitted; from then on `headers` has all fields. */
  isHandedOver = false;
  /** The fields that Node itself reads. */
  partialHeaders: IncomingMessage['headers'] | undefined;
  /** Whether all of its body was read; Node's parser may report the end later. */
  isBodyConsumed = false;

  /**
   * Reads a body of known length that has arrived in full, without a listener; `undefined` where it has not. Nearly every small body arrives
   * with its head, though Node's parser may report its end later.
   */
  tryReadBufferedBody(contentLength: number | undefined): ChunkList | undefined {
    if (contentLength === undefined || contentLength === 0 || this.readableLength !== contentLength) return undefined;
    this.isBodyConsumed = true;
    const body = new ChunkList();
    // Newer Nodes return one chunk at a time, older ones all of them.
    for (let piece = this.read() as Buffer | null; piece !== null; piece = body.byteLength < contentLength ? this.read() as Buffer | null : null) body.append(piece);
    return body;
  }

  /** Called by Node's parser, at the end of the message with `null`. The end is emitted only when more is read, which the reader of the body does not do. */
  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    const wantsMore = super.push(chunk, encoding);
    if (chunk === null && this.isBodyConsumed) this.read(0);
    return wantsMore;
  }
}

const parsed = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, 'headers');

// Node's types call the accessor a field, which a class may not override.
if (parsed?.get !== undefined && parsed.set !== undefined) {
  Object.defineProperty(InboundMessage.prototype, 'headers', {
    configurable: true,
    get(this: InboundMessage): unknown {
      return this.isHandedOver || startChannel.hasSubscribers ? parsed.get?.call(this) : (this.partialHeaders ??= readPartially(this.rawHeaders));
    },
    set(this: InboundMessage, fields: unknown): void { parsed.set?.call(this, fields); },
  });
}

let isChecked = false;

/** Whether requests of a server with `options` may be `InboundMessage`s. Node is examined once, when the first server is made. */
export function canBeLazy(options: ServerOptions): boolean {
  if (!isChecked) checkNode(options);
  isChecked = true;
  return !isDisabled('lazy_headers');
}

/** A field that Node read and `partialHeaders` lacked would be taken for absent. */
function checkNode(options: ServerOptions): void {
  if (parsed?.get === undefined || parsed.set === undefined) {
    disableShortcut('lazy_headers', '`headers` of a request is not an accessor');
    return;
  }
  const others = [...findFieldsReadByNode(options)].filter((name) => READ_BY_NODE[name.length] !== name);
  if (others.length > 0) disableShortcut('lazy_headers', `this version of Node reads ${others.join(', ')} before it emits a request`);
}

/** Marks requests as handed over before any listener gets them, also listeners of libraries that wrap the `emit` of all servers. */
export function handOverRequests(server: Server): void {
  const emit = Reflect.get(server, 'emit') as (this: Server, event: string, ...parameters: unknown[]) => boolean;
  Object.assign(server, {
    emit(this: Server, event: string, ...parameters: unknown[]): boolean {
      const [message] = parameters;
      if (message instanceof InboundMessage) {
        message.isHandedOver = true;
        message.partialHeaders = undefined;
      }
      return emit.call(this, event, ...parameters);
    },
  });
}

function readPartially(rawHeaders: readonly string[]): IncomingMessage['headers'] {
  const partial: Record<string, string> = {};
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const candidate = READ_BY_NODE[name.length];
    if (candidate === undefined || (name !== candidate && name.toLowerCase() !== candidate)) continue;
    const before = partial[candidate];
    partial[candidate] = before === undefined ? rawHeaders[index + 1] as string : `${before}, ${rawHeaders[index + 1] as string}`;
  }
  return partial;
}
