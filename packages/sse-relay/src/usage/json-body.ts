import { Buffer } from 'node:buffer';
import { createDecodedCopy, type DecodedCopy } from '../observer/decoded-copy.ts';
import { ObserverError } from '../observer/observer-error.ts';

/** What keeping a JSON body needs. */
export interface JsonBodyOptions {
  /** The value of `content-encoding`, `identity` when there is none. */
  readonly coding: string;
  readonly maxBytes: number;
  readonly maxLagBytes: number;
  /** Called with the whole decoded body; a throw is reported as `invalid_json`. */
  readonly onBody: (body: Uint8Array) => void;
  readonly onError: (error: unknown) => void;
}

/** Keeps a JSON body, bounded, and reads it once it is whole. A body that was cut is not read: half a JSON text says nothing. */
export class JsonBody {
  readonly #options: JsonBodyOptions;
  readonly #copy: DecodedCopy | undefined;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isGivenUp = false;

  constructor(options: JsonBodyOptions) {
    this.#options = options;
    const { coding, maxBytes, maxLagBytes } = options;
    this.#copy = coding === 'identity' ? undefined : createDecodedCopy({
      coding, maxLagBytes, maxDecodedBytes: maxBytes,
      onDecoded: (bytes) => this.#keep(bytes),
      onError: (error) => this.#giveUp(error),
    });
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#copy !== undefined) this.#copy.write(chunk);
    // A copy: the chunk belongs to the socket.
    else this.#keep(Buffer.from(chunk));
  }

  onEnd(how: string): Promise<void> | undefined {
    const copy = this.#copy;
    if (copy !== undefined) return copy.end(how === 'complete').then(() => this.#read(how));
    this.#read(how);
    return undefined;
  }

  #keep(chunk: Uint8Array): void {
    if (this.#isGivenUp) return;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#options.maxBytes) this.#giveUp(new ObserverError('body_too_large', `a JSON body is over ${this.#options.maxBytes} bytes`));
    else this.#chunks.push(chunk);
  }

  #giveUp(error: unknown): void {
    this.#isGivenUp = true;
    this.#chunks = [];
    this.#options.onError(error);
  }

  #read(how: string): void {
    if (this.#isGivenUp || how !== 'complete' || this.#bytes === 0) return;
    const chunks = this.#chunks;
    this.#chunks = [];
    try {
      this.#options.onBody(chunks.length === 1 ? chunks[0] as Uint8Array : Buffer.concat(chunks));
    } catch (cause) {
      this.#options.onError(new ObserverError('invalid_json', 'a JSON body is not JSON', { cause }));
    }
  }
}
