import { channel } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { disableShortcut, isDisabled } from './shortcuts.ts';
import { kParser } from './undici-parts.ts';

/** A response that can take the chunks of its body without undici's parser. */
export interface ChunkTaker {
  /** Whether it takes a chunk now: not while it is paused or yields, and not once it is over. */
  takesChunks(): boolean;
  /** Takes the data of one chunk (RFC 9112 section 7.1). Must not throw. */
  takeChunk(data: Buffer): void;
  /** Takes one chunk that is all that was read: `framed`, whose data stands from `start` to `end`. Its size has no leading zeros. Must not throw. */
  takeFramed(framed: Buffer, start: number, end: number): void;
}

/** What is read of undici's parser. */
interface Parser {
  paused: boolean;
  readonly execute: (chunk: Buffer) => void;
  readonly ptr: number | null;
}

/** undici passes the data of a body to the subscribers of this channel. */
const bodyChannel = channel('undici:request:bodyChunkReceived');

const CR = 13;
const LF = 10;
const ZERO = 48;
const NO_DIGIT = 0xff;
/** The value of each byte as a hexadecimal digit. */
const DIGITS = new Uint8Array(256).fill(NO_DIGIT);
for (let value = 0; value < 16; value += 1) {
  const digit = value.toString(16);
  DIGITS[digit.charCodeAt(0)] = value;
  DIGITS[digit.toUpperCase().charCodeAt(0)] = value;
}

/**
 * Takes the chunks of a response's body from what was read, and gives to undici's parser only what is not a whole chunk: half a chunk, a size with
 * an extension, the last chunk and its trailers, everything that is malformed. A third less CPU time for the reading of an event (docs/decisions/0014).
 *
 * It may do so only while the parser stands between two chunks. That is known after a read whose last two bytes are the line end behind the data of a
 * chunk, for data of any other framing reaches to the end of what was read; it ends with every byte that the parser is given.
 */
export class DirectChunks {
  isBetweenChunks = false;
  taker: ChunkTaker | undefined;
  /** Where the latest data that the parser reported ends in what is being read; -1 before that. */
  dataEnd = -1;
  readonly #parser: Parser;

  constructor(parser: Parser) {
    this.#parser = parser;
  }

  /** Notes what the parser took for data of a body in `read`. */
  noteData(read: Buffer, data: Buffer): void {
    this.dataEnd = data.buffer === read.buffer ? data.byteOffset + data.byteLength - read.byteOffset : -1;
  }

  /** Decides after the parser has had all of `read` whether it stands between two chunks. */
  endRead(read: Buffer): void {
    const end = read.length - 2;
    this.isBetweenChunks = this.dataEnd === end && read[end] === CR && read[end + 1] === LF && this.taker?.takesChunks() === true && !bodyChannel.hasSubscribers;
  }

  /** The response is over: nothing of it is kept, and the parser gets what comes. */
  release(): void {
    this.taker = undefined;
    this.isBetweenChunks = false;
  }

  /** Takes the chunks that `read` begins with; returns how many bytes they have. The rest, if any, is for the parser. */
  takeFrom(socket: Socket, read: Buffer): number {
    const { taker } = this;
    if (taker?.takesChunks() !== true) return 0;
    let at = 0;
    while (at < read.length) {
      let size = 0;
      let index = at;
      for (let digit = DIGITS[read[index] ?? 0] as number; digit !== NO_DIGIT; digit = DIGITS[read[index] ?? 0] as number) {
        size = size * 16 + digit;
        index += 1;
      }
      if (size === 0 || read[index] !== CR || read[index + 1] !== LF) return at;
      const from = index + 2;
      const to = from + size;
      if (read[to] !== CR || read[to + 1] !== LF) return at;
      const isAll = at === 0 && to + 2 === read.length && read[0] !== ZERO;
      at = to + 2;
      if (isAll) taker.takeFramed(read, from, to);
      else taker.takeChunk(read.subarray(from, to));
      if (taker.takesChunks()) continue;
      if (socket.destroyed) return read.length;
      // undici pauses its parser only when that has reported data; resuming it is the same.
      this.#parser.paused = true;
      this.isBetweenChunks = false;
      return at;
    }
    return at;
  }
}

const kDirectChunks = Symbol('penstock direct chunks');

interface DirectSocket extends Socket {
  [kDirectChunks]?: DirectChunks;
}

/** Lets `taker` take the chunks of the response that `socket` reads now, where that is possible. Its connection must have one request at a time. */
export function takeChunksDirectly(socket: Socket, taker: ChunkTaker): DirectChunks | undefined {
  if (isDisabled('direct_chunks')) return undefined;
  const direct = directChunksOf(socket) ?? create(socket);
  if (direct === undefined) return undefined;
  (socket as DirectSocket)[kDirectChunks] = direct;
  direct.taker = taker;
  direct.isBetweenChunks = false;
  return direct;
}

/** The chunks of a socket, once a response of it was given to `takeChunksDirectly`. */
export function directChunksOf(socket: Socket): DirectChunks | undefined {
  return (socket as DirectSocket)[kDirectChunks];
}

function create(socket: Socket): DirectChunks | undefined {
  const parser = (socket as unknown as Record<symbol, Partial<Parser> | undefined>)[kParser];
  if (typeof parser?.paused === 'boolean' && typeof parser.execute === 'function' && typeof parser.ptr === 'number') return new DirectChunks(parser as Parser);
  disableShortcut('direct_chunks', 'the parser of an undici socket has not the members `paused`, `execute` and `ptr`');
  return undefined;
}
