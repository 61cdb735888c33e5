import type { Buffer } from 'node:buffer';
import { IncomingMessage } from 'node:http';
import { ChunkList } from './chunk-list.ts';

/** At most so many bytes of one body are read in a row, then other connections have their turn. A piece counts as its bytes and `PIECE_BYTES`. */
export const TURN_BYTES: number = 256 * 1024;
/** With more than this a body yields: Node reads up to 64 KB at once, reads may be short, and none may cross `TURN_BYTES`. */
const YIELD_BYTES = TURN_BYTES - 64 * 1024;
/** What a piece of a body costs beside its bytes, as bytes: in chunks of one byte the pieces are the work. */
export const PIECE_BYTES = 64;
/** Pieces below this size that come in one turn are joined: everything that a body passes through costs the same for a byte as for a kilobyte. */
const JOINED_BYTES = 1_024;

/**
 * A request whose body cannot keep the event loop to itself. Node reads up to 2 MB of one connection in a turn, which are 350,000 pieces where a
 * body comes in chunks of one byte. Here the connection is paused before it passes `TURN_BYTES` until the next turn, and small pieces of one turn are one piece.
 */
export class PacedMessage extends IncomingMessage {
  #turnBytes = 0;
  #hasPiece = false;
  #isYielding = false;
  #joined: ChunkList | undefined;

  /** Called by Node's parser for each piece, and at the end of the message with `null`. */
  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk === null) {
      this.pushJoined();
      return super.push(null);
    }
    const piece = chunk as Buffer;
    this.#turnBytes += piece.length + PIECE_BYTES;
    if (this.#turnBytes > YIELD_BYTES) this.#yield();
    // Most bodies are one piece.
    if (this.#hasPiece && piece.length < JOINED_BYTES) return this.#join(piece);
    this.#hasPiece = true;
    this.pushJoined();
    return super.push(chunk, encoding);
  }

  /** Called when a reader wants more. */
  override _read(size: number): void {
    if (!this.#isYielding) super._read(size);
  }

  /** Hands on the joined pieces. */
  pushJoined(): void {
    const joined = this.#joined;
    if (joined === undefined) return;
    this.#joined = undefined;
    for (const piece of joined.take()) super.push(piece);
  }

  /** Called when the turn in which it was paused is over. */
  endYield(): void {
    this.#isYielding = false;
    this.#turnBytes = 0;
    this.pushJoined();
    // A full buffer waits for its reader, who calls `_read`. Behind a message that has ended comes the next one of the connection.
    if (this.readableLength < this.readableHighWaterMark || this.complete) super._read(0);
  }

  #join(piece: Buffer): boolean {
    if (this.#joined === undefined) {
      this.#joined = new ChunkList();
      // Not a tick: Node's parser calls back for each piece, and ticks run in between.
      setImmediate(pushJoined, this);
    }
    this.#joined.append(piece);
    return this.readableLength + this.#joined.byteLength < this.readableHighWaterMark;
  }

  #yield(): void {
    if (this.#isYielding) return;
    this.#isYielding = true;
    this.socket.pause();
    setImmediate(endYield, this);
  }
}

function pushJoined(message: PacedMessage): void {
  message.pushJoined();
}

function endYield(message: PacedMessage): void {
  message.endYield();
}
