import type { ServerResponse } from 'node:http';
import { canFrameChunks, ChunkedBodyWriter } from './chunked-body-writer.ts';

/** Writes the body of a response whose head was sent. */
export interface BodyWriter {
  /** False asks the caller to stop until `onDrain`. Throws what `ServerResponse.write` throws. */
  write(chunk: Uint8Array): boolean;
  /** Hands everything to the socket; the response may be written to directly after it, and only by then. */
  release(): void;
  /** Whether the client reads slower than we write. */
  readonly isBlocked: boolean;
}

/** Creates the fastest writer that is right for this response. */
export function createBodyWriter(response: ServerResponse, onDrain: () => void): BodyWriter {
  return canFrameChunks(response) ? new ChunkedBodyWriter(response, response.socket, onDrain) : new PlainBodyWriter(response, onDrain);
}

/** Leaves it all to node:http: counted bodies, HTTP/1.0, a response that waits behind another, a patched `write`. */
class PlainBodyWriter implements BodyWriter {
  isBlocked = false;
  readonly #response: ServerResponse;
  readonly #onDrain: () => void;
  #isListening = false;

  constructor(response: ServerResponse, onDrain: () => void) {
    this.#response = response;
    this.#onDrain = onDrain;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#response.write(chunk)) return true;
    this.isBlocked = true;
    if (!this.#isListening) this.#response.on('drain', this.#unblock);
    this.#isListening = true;
    return false;
  }

  release(): void {
    this.#response.off('drain', this.#unblock);
  }

  readonly #unblock = (): void => {
    this.isBlocked = false;
    this.#onDrain();
  };
}
