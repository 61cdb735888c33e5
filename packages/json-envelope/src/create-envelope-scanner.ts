import { EnvelopeError } from './envelope-error.ts';
import type { Envelope, RootKind } from './envelope.ts';
import { resolveOptions, type EnvelopeScannerOptions, type ResolvedOptions } from './envelope-options.ts';
import { JsonMachine } from './json-machine.ts';
import { MemberCollector } from './member-collector.ts';

/** Checks one JSON text as its chunks arrive. */
export interface EnvelopeScanner {
  /**
   * Takes the next chunk; it is read now and not kept.
   *
   * @throws EnvelopeError as soon as the text cannot become acceptable, and again at every later call
   */
  write(chunk: Uint8Array): void;
  /**
   * Ends the text and tells what it said.
   *
   * @throws EnvelopeError when the text is not complete or was refused before
   */
  end(): Envelope;
}

/** Creates a scanner for one JSON text (RFC 8259, UTF-8, no byte order mark). */
export function createEnvelopeScanner(options: EnvelopeScannerOptions = {}): EnvelopeScanner {
  return new TextScanner(resolveOptions(options));
}

class TextScanner implements EnvelopeScanner {
  readonly #maxBytes: number;
  readonly #collector: MemberCollector;
  readonly #machine: JsonMachine;
  #error: unknown;
  #envelope: Envelope | undefined;

  constructor(options: ResolvedOptions) {
    this.#maxBytes = options.maxBytes;
    this.#collector = new MemberCollector(options);
    this.#machine = new JsonMachine(this.#collector, options.maxDepth);
  }

  write(chunk: Uint8Array): void {
    if (this.#error !== undefined) throw this.#error;
    if (this.#envelope !== undefined) throw new TypeError('write() was called after end()');
    try {
      const room = this.#maxBytes - this.#machine.offset;
      this.#machine.scan(chunk.length > room ? chunk.subarray(0, room) : chunk);
      if (chunk.length > room) throw new EnvelopeError('too_large', this.#maxBytes, 'the text is too large');
    } catch (error) {
      this.#error = error;
      throw error;
    }
  }

  end(): Envelope {
    if (this.#error !== undefined) throw this.#error;
    if (this.#envelope !== undefined) return this.#envelope;
    try {
      this.#machine.end();
    } catch (error) {
      this.#error = error;
      throw error;
    }
    const { members, duplicates, overflowed, rootByte } = this.#collector;
    this.#envelope = {
      root: rootKind(rootByte),
      members,
      duplicates: [...duplicates],
      overflowed: [...overflowed],
      byteLength: this.#machine.offset,
    };
    return this.#envelope;
  }
}

function rootKind(firstByte: number): RootKind {
  switch (firstByte) {
    case 0x7b: return 'object';
    case 0x5b: return 'array';
    case 0x22: return 'string';
    case 0x74:
    case 0x66: return 'boolean';
    case 0x6e: return 'null';
    default: return 'number';
  }
}
