import { Buffer } from 'node:buffer';
import { ServerResponse } from 'node:http';
import { canFrameChunks, ChunkedBodyWriter, type BodyWriter } from './chunked-body-writer.ts';

export type { BodyWriter };

const EMPTY = Buffer.alloc(0);
/** The global `process` is an accessor; its module, imported, would open the standard streams. */
const ownProcess = process;

/** What stands for the text of a head that was sent. */
const SENT_HEAD = 'sent';

/** Up to this size a first chunk is converted to latin1 text, which node:http joins with the head into one write; bytes it writes separately. */
const MAX_JOINED_BYTES = 16_384;

/**
 * Sends the head that was given to `writeHead`, at once or with the body bytes that came in the same turn of the event loop, and
 * creates the fastest writer that is right for the body. `onError` gets what a write threw that was delayed to the end of the turn. With
 * `isPlain`, node:http writes head and chunks as they come.
 */
export function createBodyWriter(response: ServerResponse, onDrain: () => void, onError: (error: unknown) => void, isPlain = false): BodyWriter {
  if (isPlain || !isFramingVisible(response)) {
    sendHead(response);
    return new PlainBodyWriter(response, onDrain);
  }
  if (!response.chunkedEncoding && response.write === ServerResponse.prototype.write) return new PlainBodyWriter(response, onDrain, onError);
  // An empty write sends the head and keeps latin1 bytes; flushHeaders() would send them as UTF-8.
  sendHead(response);
  if (!canFrameChunks(response)) return new PlainBodyWriter(response, onDrain);
  releaseHead(response);
  return new ChunkedBodyWriter(response, response.socket, onDrain);
}

/**
 * Sends a head alone. Of a response that waits behind another (pipelining), node:http puts the head in front of a 1xx response that waits with it, unless
 * what is written is text: the 1xx would come inside the body.
 */
function sendHead(response: ServerResponse): void {
  if (response.socket === null) response.write('', 'latin1');
  else response.write(EMPTY);
}

/**
 * Releases the text of a head that was sent: node:http keeps it until the response ends, 1 KB of each open stream, and asks only whether there is one. Where
 * it is not kept in this form, nothing is released.
 */
function releaseHead(response: ServerResponse): void {
  const { _header: head, _headerSent: isSent } = response as { readonly _header?: unknown; readonly _headerSent?: unknown };
  if (typeof head === 'string' && isSent === true) Reflect.set(response, '_header', SENT_HEAD);
}

let hasWarned = false;

/** Whether node:http shows how it frames a body. Where it does not, all writing is left to it, with one process warning. */
function isFramingVisible(response: ServerResponse): boolean {
  if (typeof response.chunkedEncoding === 'boolean') return true;
  if (!hasWarned) process.emitWarning('@penstock/sse-relay: shortcut chunk_framing is off: a response has no `chunkedEncoding`', { type: 'PenstockWarning', code: 'PENSTOCK_SHORTCUT_DISABLED' });
  hasWarned = true;
  return false;
}

/** Leaves the framing to node:http: counted bodies, HTTP/1.0, a response that waits behind another, a patched `write`. */
class PlainBodyWriter implements BodyWriter {
  isBlocked = false;
  readonly #response: ServerResponse;
  readonly #onDrain: () => void;
  readonly #onError: ((error: unknown) => void) | undefined;
  #isListening = false;
  /** Whether the head still waits for the end of its turn. */
  #holdsHead: boolean;
  /** The first chunk, if it came in the turn of the head. */
  #first: Uint8Array | undefined;

  /** With `onError` the head is held until the end of its turn; without, it was sent. */
  constructor(response: ServerResponse, onDrain: () => void, onError?: (error: unknown) => void) {
    this.#response = response;
    this.#onDrain = onDrain;
    this.#onError = onError;
    this.#holdsHead = onError !== undefined;
    if (this.#holdsHead) ownProcess.nextTick(endTurn, this);
  }

  write(chunk: Uint8Array): boolean {
    if (this.#holdsHead) {
      if (this.#first === undefined && chunk.length <= MAX_JOINED_BYTES) {
        this.#first = chunk;
        return true;
      }
      this.#sendHeld();
    }
    if (this.#response.write(chunk)) return true;
    this.isBlocked = true;
    if (!this.#isListening) this.#response.on('drain', this.#unblock);
    this.#isListening = true;
    return false;
  }

  release(): void {
    this.#sendHeld();
    if (this.#isListening) this.#response.off('drain', this.#unblock);
  }

  /** Called at the end of the turn of the head. */
  endTurn(): void {
    try {
      this.#sendHeld();
    } catch (error) {
      this.#onError?.(error);
    }
  }

  /** What was held goes out in one write. */
  #sendHeld(): void {
    if (!this.#holdsHead) return;
    this.#holdsHead = false;
    const first = this.#first;
    this.#first = undefined;
    const response = this.#response;
    if (response.destroyed || response.writableEnded) return;
    try {
      if (first === undefined) sendHead(response);
      else response.write(Buffer.from(first.buffer, first.byteOffset, first.byteLength).toString('latin1'), 'latin1');
    } catch (error) {
      // Bytes that the head does not allow are refused before anything is written; the head stands all the same.
      sendHead(response);
      throw error;
    }
    // node:http would keep the write until the end of a turn that is over for this response.
    response.socket?.uncork();
  }

  readonly #unblock = (): void => {
    this.isBlocked = false;
    this.#onDrain();
  };
}

function endTurn(writer: PlainBodyWriter): void {
  writer.endTurn();
}
