import type { FlushedBody } from '@penstock/upstream-client';
import { checkEdit, piecesOf, type BodyEdit } from './body-edit.ts';

const NO_PIECES: readonly Uint8Array[] = Object.freeze([]);
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Frees the memory of a chunk that is sent and that no try needs any more. */
export type FreeChunk = (chunk: Uint8Array) => void;

const leaveToCollector: FreeChunk = () => undefined;

/**
 * A gathered body that may be sent more than once and has one owner, the group. While another try is possible, all of its chunks are held. After that
 * (`release`) each chunk is freed as it was sent, and those that were sent before at once.
 *
 * Memory is freed only where no connection can still read it: an earlier try that took bytes of which the system did not have the last one leaves all
 * chunks to the collector.
 */
export class ReplayableBody implements Iterable<Uint8Array> {
  #chunks: readonly (Uint8Array | undefined)[];
  readonly #free: FreeChunk;
  #isReleased = false;
  /** Whether a connection of an earlier try may still read chunks. */
  #isShared = false;
  #current: BodyTry | undefined;

  /** The chunks are the body's own from here on. */
  constructor(chunks: readonly Uint8Array[], free: FreeChunk = leaveToCollector) {
    this.#chunks = chunks;
    this.#free = free;
  }

  /** The same as `open()`: an upstream client takes the body without a group, too. */
  [Symbol.iterator](): Iterator<Uint8Array> {
    return this.open()[Symbol.iterator]();
  }

  /** The body of the next try, with its edit if it has one; that of the last one is over. */
  open(edit?: BodyEdit): FlushedBody {
    if (edit !== undefined) checkEdit(edit, this.heldBytes);
    if (this.#current?.isFlushed === false) this.#isShared = true;
    this.#current?.close();
    this.#current = new BodyTry(this, edit);
    return this.#current;
  }

  /** No further try: what was sent is freed, and the rest as it is sent. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    const { taken, isFlushed } = this.#current ?? { taken: 0, isFlushed: true };
    const chunks = [...this.#chunks];
    for (let index = 0; index < taken; index += 1) {
      if (isFlushed) this.#freeOne(chunks[index]);
      chunks[index] = undefined;
    }
    this.#chunks = chunks;
  }

  /** Ends the body: nothing is held any more. */
  dispose(): void {
    this.#isReleased = true;
    this.#chunks = [];
  }

  /** The chunks that are held: all of them while another try is possible or one is being made. They are for reading, to sign what they hold. */
  chunks(): readonly Uint8Array[] {
    return this.#chunks.filter((chunk) => chunk !== undefined);
  }

  /** Bytes that are held. */
  get heldBytes(): number {
    return this.#chunks.reduce((total, chunk) => total + (chunk?.byteLength ?? 0), 0);
  }

  /** @internal The chunk at a place; after `release` it is the try's alone. */
  take(index: number): Uint8Array | undefined {
    const chunk = this.#chunks[index];
    if (this.#isReleased && chunk !== undefined) (this.#chunks as (Uint8Array | undefined)[])[index] = undefined;
    return chunk;
  }

  /** @internal Frees the chunk that was taken last, if no try needs it. */
  flushed(last: Uint8Array): boolean {
    if (!this.#isReleased) return false;
    this.#freeOne(last);
    return true;
  }

  #freeOne(chunk: Uint8Array | undefined): void {
    if (chunk !== undefined && !this.#isShared) this.#free(chunk);
  }
}

/** One sending of a body. A chunk is done with when its last piece was taken; only one that is edited has several. */
class BodyTry implements IterableIterator<Uint8Array>, FlushedBody {
  readonly #edit: BodyEdit | undefined;
  #owner: ReplayableBody | undefined;
  #last: Uint8Array | undefined;
  /** Of an edited body: the chunk whose pieces are given, the place of the next piece, and where in the body the next chunk begins. */
  #chunk: Uint8Array | undefined;
  #pieces = NO_PIECES;
  #nextPiece = 0;
  #offset = 0;
  /** Chunks that are done with. */
  taken = 0;
  /** Whether the system has everything that was taken. */
  isFlushed = true;

  constructor(owner: ReplayableBody, edit: BodyEdit | undefined) {
    this.#owner = owner;
    this.#edit = edit;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Uint8Array> {
    if (this.#edit !== undefined) return this.#nextOf(this.#edit);
    const chunk = this.#owner?.take(this.taken);
    this.#last = chunk;
    if (chunk === undefined) return DONE;
    this.taken += 1;
    this.isFlushed = false;
    return { done: false, value: chunk };
  }

  onFlushed(): void {
    this.isFlushed = true;
    if (this.#last !== undefined && this.#owner?.flushed(this.#last) === true) this.#last = undefined;
  }

  return(): IteratorResult<Uint8Array> {
    this.close();
    return DONE;
  }

  /** The try is over: it reads and frees nothing more. */
  close(): void {
    this.#owner = undefined;
    this.#last = undefined;
    this.#chunk = undefined;
    this.#pieces = NO_PIECES;
    this.#nextPiece = 0;
  }

  #nextOf(edit: BodyEdit): IteratorResult<Uint8Array> {
    while (this.#nextPiece === this.#pieces.length) {
      const chunk = this.#owner?.take(this.taken);
      this.#last = undefined;
      this.#chunk = chunk;
      if (chunk === undefined) return DONE;
      this.#pieces = piecesOf(chunk, this.#offset, edit);
      this.#nextPiece = 0;
      this.#offset += chunk.byteLength;
      if (this.#pieces.length === 0) this.taken += 1;
    }
    const value = this.#pieces[this.#nextPiece] as Uint8Array;
    this.#nextPiece += 1;
    this.isFlushed = false;
    if (this.#nextPiece === this.#pieces.length) {
      // If the body was released between two pieces, the chunk is still held there.
      this.#owner?.take(this.taken);
      this.#last = this.#chunk;
      this.taken += 1;
    }
    return { done: false, value };
  }
}
