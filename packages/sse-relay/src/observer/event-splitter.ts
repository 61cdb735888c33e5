import { Buffer } from 'node:buffer';
import { ByteBuffer } from './byte-buffer.ts';
import { fieldValueStart } from './field-value.ts';

const LF = 10;
const CR = 13;
const BOM: readonly number[] = [0xef, 0xbb, 0xbf];
const DATA = Buffer.from('data');
const EVENT = Buffer.from('event');
const LINE_FEED = new Uint8Array([LF]);
const NO_BYTES = new Uint8Array(0);

/** Why an event that was asked for could not be told of. */
export type DropReason = 'too_large' | 'ambiguous';

/** The chosen event names as they stand in the bytes. */
interface EventNames {
  readonly names: ReadonlyMap<string, string>;
  /** What an event without a name is called, where one was asked for. */
  readonly unnamed: string | undefined;
  /** Which lengths the names have: most events are told apart by this alone. */
  readonly lengths: ReadonlySet<number>;
}

const frozenNames = new WeakMap<readonly string[], EventNames>();

/** Reads the names; those of a frozen list only once, for there is a splitter for every stream. */
function readNames(events: readonly string[]): EventNames {
  const known = frozenNames.get(events);
  if (known !== undefined) return known;
  const names = new Map(events.map((name) => [Buffer.from(name).toString('latin1'), name]));
  const read: EventNames = { names, unnamed: names.get('message'), lengths: new Set([...names.keys()].map((name) => name.length)) };
  if (Object.isFrozen(events)) frozenNames.set(events, read);
  return read;
}

/**
 * Splits a `text/event-stream` (WHATWG HTML section 9.2.6) that arrives in pieces; what it reports does not depend on where the pieces end. Events of other
 * names cost the search for their line ends: once an event's name is known to be of no interest, its data is neither kept nor copied.
 *
 * A base class, not an object of its own, and what each chunk needs comes first: there is one for every stream.
 */
export abstract class EventSplitter {
  /** How much of a BOM was read, or -1 when the start of the stream is behind us. */
  #bomLength = 0;
  /** The last byte was a CR that ended a line: an LF that follows belongs to it. */
  #isAfterReturn = false;
  /** What becomes of the line that began in an earlier chunk; `none` when a line starts here. */
  #openLine: 'none' | 'keep' | 'skip' = 'none';
  /** The name of the open event, as it was asked for; `undefined` once it is of no interest. */
  #name: string | undefined;
  #hasName = false;
  readonly #names: EventNames;
  #hasData = false;
  #hasSkippedData = false;
  #dropped: DropReason | undefined;
  /** Data of the open event: a view on this chunk while it is one line of it, gathered from the second line or chunk on. */
  #dataLine: Uint8Array | undefined;
  #data: ByteBuffer | undefined;
  #dataLineBytes = 0;
  /** What came of a kept open line. */
  #carry: ByteBuffer | undefined;
  /** The most bytes of data lines kept of one event. */
  readonly maxEventBytes: number;

  /** `events` are the names to report; `message` stands for events without a name. */
  constructor(events: readonly string[], maxEventBytes: number) {
    this.#names = readNames(events);
    this.maxEventBytes = maxEventBytes;
    this.#name = this.#names.unnamed;
  }

  /** Called with each whole event of the chosen names. The bytes may belong to the chunk: copy what must outlive the call. */
  protected abstract onEvent(name: string, data: Uint8Array): void;

  /** Called instead of `onEvent` for an event over the limit, or one that was renamed after some of its data was passed over. */
  protected abstract onDropped(reason: DropReason): void;

  protected split(chunk: Uint8Array): void {
    const { length } = chunk;
    let offset = this.#bomLength === -1 ? 0 : this.#skipBom(chunk);
    if (this.#isAfterReturn && offset < length) {
      this.#isAfterReturn = false;
      if (chunk[offset] === LF) offset += 1;
    }
    // One search for a chunk without any, which is every chunk of most streams.
    let nextReturn = chunk.indexOf(CR, offset);
    while (offset < length) {
      // A blank line is every third line: not worth a search.
      const lineFeed = chunk[offset] === LF ? offset : chunk.indexOf(LF, offset);
      if (nextReturn !== -1 && nextReturn < offset) nextReturn = chunk.indexOf(CR, offset);
      const isReturn = nextReturn !== -1 && (lineFeed === -1 || nextReturn < lineFeed);
      const lineEnd = isReturn ? nextReturn : lineFeed;
      if (lineEnd === -1) {
        this.#openLineWith(chunk.subarray(offset));
        break;
      }
      this.#closeLine(chunk, offset, lineEnd);
      offset = lineEnd + 1;
      if (!isReturn) continue;
      if (offset === length) this.#isAfterReturn = true;
      else if (chunk[offset] === LF) offset += 1;
    }
    if (this.#dataLine !== undefined) this.#gatherData(this.#dataLine);
  }

  /** One BOM at the very start is dropped; a part of one begins a line that is no field. */
  #skipBom(chunk: Uint8Array): number {
    let offset = 0;
    while (this.#bomLength < 3 && chunk[offset] === BOM[this.#bomLength]) {
      this.#bomLength += 1;
      offset += 1;
    }
    if (offset === chunk.length && this.#bomLength < 3) return offset;
    if (this.#bomLength === 1 || this.#bomLength === 2) this.#openLine = 'skip';
    this.#bomLength = -1;
    return offset;
  }

  #openLineWith(piece: Uint8Array): void {
    if (this.#openLine === 'none') this.#openLine = this.#isOfUse(piece[0]) ? 'keep' : 'skip';
    if (this.#openLine === 'skip') return;
    if (this.#carry === undefined) this.#carry = new ByteBuffer(piece);
    else this.#carry.append(piece);
    const first = this.#carry.view()[0];
    if (this.#isOverLimit(first, this.#carry.length)) this.#dropOpenLine(first);
  }

  #closeLine(chunk: Uint8Array, start: number, end: number): void {
    if (this.#openLine === 'none') {
      this.#readLine(chunk, start, end);
      return;
    }
    if (this.#openLine === 'keep' && this.#carry !== undefined) {
      this.#carry.append(chunk.subarray(start, end));
      const line = this.#carry.view();
      this.#carry = undefined;
      this.#readLine(line, 0, line.length);
    }
    this.#openLine = 'none';
  }

  #dropOpenLine(first: number | undefined): void {
    if (first === DATA[0]) this.#drop('too_large');
    this.#carry = undefined;
    this.#openLine = 'skip';
  }

  /** Whether a line may matter, by its first byte. */
  #isOfUse(first: number | undefined): boolean {
    if (first === EVENT[0]) return true;
    if (first !== DATA[0]) return false;
    if (this.#isKeepingData()) return true;
    this.#hasSkippedData = true;
    return false;
  }

  #isKeepingData(): boolean {
    return this.#dropped === undefined && (this.#name !== undefined || !this.#hasName);
  }

  #isOverLimit(first: number | undefined, lineBytes: number): boolean {
    return lineBytes + (first === DATA[0] ? this.#dataLineBytes : 0) > this.maxEventBytes;
  }

  #readLine(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) {
      this.#endEvent();
      return;
    }
    const first = bytes[start];
    if (!this.#isOfUse(first)) return;
    if (this.#isOverLimit(first, end - start)) {
      if (first === DATA[0]) this.#drop('too_large');
      return;
    }
    if (first === EVENT[0]) {
      const value = fieldValueStart(bytes, start, end, EVENT);
      if (value !== -1) this.#setName(bytes, value, end);
      return;
    }
    this.#dataLineBytes += end - start;
    const value = fieldValueStart(bytes, start, end, DATA);
    if (value === -1) return;
    const line = bytes.subarray(value, end);
    if (this.#hasData) {
      if (this.#dataLine !== undefined) this.#gatherData(this.#dataLine);
      this.#gatherData(LINE_FEED);
      this.#gatherData(line);
    } else this.#dataLine = line;
    this.#hasData = true;
  }

  #gatherData(piece: Uint8Array): void {
    this.#dataLine = undefined;
    if (this.#data === undefined) this.#data = new ByteBuffer(piece);
    else this.#data.append(piece);
  }

  #setName(bytes: Uint8Array, start: number, end: number): void {
    this.#hasName = end > start;
    const length = end - start;
    const { names, lengths, unnamed } = this.#names;
    if (length === 0) this.#name = unnamed;
    else this.#name = lengths.has(length) ? names.get(Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1')) : undefined;
    // The last name counts, but data before it may have been passed over by then.
    if (this.#hasSkippedData) this.#drop('ambiguous');
    else if (this.#hasName && this.#name === undefined && this.#hasData) {
      this.#hasSkippedData = true;
      this.#forgetData();
    }
  }

  #drop(reason: DropReason): void {
    this.#dropped ??= reason;
    this.#forgetData();
  }

  #forgetData(): void {
    this.#dataLine = undefined;
    this.#data = undefined;
  }

  #endEvent(): void {
    const name = this.#name;
    if (name !== undefined && this.#dropped !== undefined) this.onDropped(this.#dropped);
    else if (name !== undefined && this.#hasData) this.onEvent(name, this.#dataLine ?? this.#data?.view() ?? NO_BYTES);
    this.#name = this.#names.unnamed;
    this.#hasName = false;
    this.#forgetData();
    this.#dataLineBytes = 0;
    this.#hasData = false;
    this.#hasSkippedData = false;
    this.#dropped = undefined;
  }
}
