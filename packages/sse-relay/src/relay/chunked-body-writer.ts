import { Buffer } from 'node:buffer';
import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { BodyWriter } from './body-writer.ts';

/** Up to this size a copy is cheaper than a gathered write. */
const MAX_COPIED_BYTES = 16_384;
const CRLF = Buffer.from('\r\n');
/** The global `process` is an accessor; its module, imported, would open the standard streams. */
const ownProcess = process;

/** A response of which we may frame the chunks ourselves. */
type FramedResponse = ServerResponse & { readonly socket: Socket };

/**
 * Whether a response's chunked body may be written past node:http: it owns its socket now (it does not wait behind another
 * response), its head was handed to that socket, its body is chunked, and nobody wrapped its `write` to see the bytes.
 */
export function canFrameChunks(response: ServerResponse): response is FramedResponse {
  return response.chunkedEncoding && response.headersSent && response.socket !== null && response.write === ServerResponse.prototype.write;
}

/**
 * Writes chunks (RFC 9112 section 7.1) straight to the socket: what came in one turn of the event loop becomes one chunk in
 * one buffer and one write, where node:http makes four writes of it.
 *
 * It is right because node:http keeps no state of a chunked body between two writes: the head is out, every chunk is whole
 * when it is handed over, and `release()` hands over the last before `end()` writes the terminator to the same socket, in
 * order. Back-pressure is the socket's own.
 */
export class ChunkedBodyWriter implements BodyWriter {
  isBlocked = false;
  readonly #response: FramedResponse;
  readonly #socket: Socket;
  readonly #onDrain: () => void;
  /** What came in this turn. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #isScheduled = true;
  #isListening = false;
  /** From the head to the end of its turn, so that a first chunk goes out with the head. */
  #isCorked = true;

  constructor(response: FramedResponse, socket: Socket, onDrain: () => void) {
    this.#response = response;
    this.#socket = socket;
    this.#onDrain = onDrain;
    socket.cork();
    ownProcess.nextTick(endTurn, this);
  }

  write(chunk: Uint8Array): boolean {
    // A chunk of no bytes would be the terminator.
    if (chunk.length === 0) return !this.isBlocked;
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      ownProcess.nextTick(endTurn, this);
    }
    if (this.#socket.writableLength + this.#pendingBytes < this.#socket.writableHighWaterMark) return true;
    this.isBlocked = true;
    if (!this.#isListening) this.#socket.on('drain', this.#unblock);
    this.#isListening = true;
    return false;
  }

  release(): void {
    this.#flush();
    this.#socket.off('drain', this.#unblock);
  }

  /** Called once a turn in which something came. */
  endTurn(): void {
    this.#isScheduled = false;
    this.#flush();
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#socket.uncork();
  }

  #flush(): void {
    const bytes = this.#pendingBytes;
    if (bytes === 0) return;
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    // A socket that is gone, or was handed to the next response, is no longer ours.
    if (this.#socket.destroyed || this.#response.socket !== this.#socket) return;
    if (bytes <= MAX_COPIED_BYTES) this.#socket.write(frame(pending, bytes));
    else this.#gather(pending, bytes);
    // The socket reports a drain only of what it itself called too much.
    if (this.isBlocked && !this.#socket.writableNeedDrain) this.#unblock();
  }

  #gather(pending: readonly Uint8Array[], bytes: number): void {
    this.#socket.cork();
    this.#socket.write(`${bytes.toString(16)}\r\n`, 'latin1');
    for (const chunk of pending) this.#socket.write(chunk);
    this.#socket.write(CRLF);
    this.#socket.uncork();
  }

  readonly #unblock = (): void => {
    if (!this.isBlocked) return;
    this.isBlocked = false;
    this.#onDrain();
  };
}

function endTurn(writer: ChunkedBodyWriter): void {
  writer.endTurn();
}

/** One chunk in one buffer: its size in hexadecimal, CRLF, its bytes, CRLF. */
function frame(pending: readonly Uint8Array[], bytes: number): Buffer {
  const size = bytes.toString(16);
  const framed = Buffer.allocUnsafe(size.length + bytes + 4);
  let offset = framed.write(`${size}\r\n`, 'latin1');
  for (const chunk of pending) {
    framed.set(chunk, offset);
    offset += chunk.length;
  }
  framed[offset] = 13;
  framed[offset + 1] = 10;
  return framed;
}
