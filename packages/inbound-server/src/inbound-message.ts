import { channel } from 'node:diagnostics_channel';
import { IncomingMessage, type Server } from 'node:http';
import { ChunkList } from './chunk-list.ts';
import { PacedMessage } from './paced-message.ts';

/** By their length: the fields that Node itself reads of a request before it hands it over (`parserOnIncoming` of node:http). */
const READ_BY_NODE: Readonly<Record<number, string>> = { 2: 'te', 4: 'host', 6: 'expect', 14: 'content-length', 17: 'transfer-encoding' };
/** Subscribers of this channel get the request before it is handed over. */
const startChannel = channel('http.server.request.start');

/**
 * A request that builds `headers` lazily: before the request is handed over, Node's parser callback gets only the five fields it reads;
 * later readers get the full object. The native path never reads it, and building it costs more than checking all fields.
 */
export class InboundMessage extends PacedMessage {
  /** Whether code other than Node's parser has the request; from then on `headers` holds all fields. */
  isHandedOver = false;
  /** What Node has read of the fields so far: it asks for one after the other. */
  few: IncomingMessage['headers'] | undefined;
  /** Node's own flag, missing in its types: whether the body is being read. */
  declare _consumed: boolean;
  /** Whether the whole body was taken; Node's parser may emit `end` a moment later. */
  isTaken = false;

  /**
   * Takes a body of known length that has arrived in full, without a listener; `undefined` where it has not. Nearly every small one has: it came
   * with its head, though Node's parser may have its end before it.
   */
  takeWholeBody(contentLength: number | undefined): ChunkList | undefined {
    if (contentLength === undefined || contentLength === 0 || this.readableLength !== contentLength) return undefined;
    this.isTaken = true;
    const body = new ChunkList();
    // Newer Nodes give one piece at a time, older ones all of them.
    for (let piece = this.read() as Buffer | null; piece !== null; piece = body.byteLength < contentLength ? this.read() as Buffer | null : null) body.append(piece);
    // Node would look for a rest when the response is sent, which takes a turn of its own.
    this._consumed = true;
    return body;
  }

  /** Called by Node's parser, at the end of the message with `null`: who took the body does not ask for more, and the end is told only then. */
  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    const wantsMore = super.push(chunk, encoding);
    if (chunk === null && this.isTaken) this.read(0);
    return wantsMore;
  }
}

const parsed = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, 'headers') as Required<Pick<PropertyDescriptor, 'get' | 'set'>>;

// Node's types call the accessor a field, which a class may not override.
Object.defineProperty(InboundMessage.prototype, 'headers', {
  configurable: true,
  get(this: InboundMessage): unknown {
    return this.isHandedOver || startChannel.hasSubscribers ? parsed.get.call(this) : (this.few ??= readFew(this.rawHeaders));
  },
  set: parsed.set,
});

/** Marks requests as handed over before any listener runs, also a tracer that wraps the `emit` of every server. */
export function handOverRequests(server: Server): void {
  const emit = Reflect.get(server, 'emit') as (this: Server, event: string, ...parameters: unknown[]) => boolean;
  Object.assign(server, {
    emit(this: Server, event: string, ...parameters: unknown[]): boolean {
      const [message] = parameters;
      if (message instanceof InboundMessage) {
        message.isHandedOver = true;
        message.few = undefined;
      }
      return emit.call(this, event, ...parameters);
    },
  });
}

function readFew(rawHeaders: readonly string[]): IncomingMessage['headers'] {
  const few: Record<string, string> = {};
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const candidate = READ_BY_NODE[name.length];
    if (candidate === undefined || (name !== candidate && name.toLowerCase() !== candidate)) continue;
    const before = few[candidate];
    few[candidate] = before === undefined ? rawHeaders[index + 1] as string : `${before}, ${rawHeaders[index + 1] as string}`;
  }
  return few;
}
