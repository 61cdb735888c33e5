import { Buffer } from 'node:buffer';
import { instantiateMachine } from './instantiate-machine.ts';
import { ADDRESS, EVENT, INPUT_BYTES, LOST_MARK, STATE_DONE, STATE_VALUE } from './machine-layout.ts';
import type { MemberRules } from './member-rules.ts';

// One instance serves every text: a scan is synchronous, so only the text in turn has its state in the memory. It is
// copied out when another text's chunk comes in, which for a body of one chunk never happens.
const machine = instantiateMachine();
const scan = machine?.scan ?? (() => EVENT.invalidJson);
const memory = Buffer.from(machine?.memory.buffer ?? new ArrayBuffer(0));
const words = new Int32Array(memory.buffer);
let rulesInMemory: MemberRules | undefined;
let textInMemory: JsonMachine | undefined;

const INITIAL_STATE = new Uint8Array(ADDRESS.stack + 1);
INITIAL_STATE[ADDRESS.state] = STATE_VALUE;
INITIAL_STATE[ADDRESS.stack] = STATE_DONE;

/** Takes the values a machine finds; its result tells the machine to report no more of this path. */
export interface ValueSink {
  /** The value stands in the memory from `start` to `stop`; without a start it was too long to be kept. `base` is the offset in the text of the memory's first byte. */
  take(path: number, memory: Buffer, start: number | undefined, stop: number, base: number): boolean;
}

/** Why a machine refuses a text. */
export type Refusal = 'invalid_json' | 'invalid_utf8' | 'too_deep';

/** A scanner in the middle of one text. */
export interface TextMachine {
  /** How many bytes were taken; after a refusal, the offset of the refused byte. */
  readonly offset: number;
  /** Takes a chunk of any length. */
  take(chunk: Uint8Array): Refusal | undefined;
  /** Ends the text. */
  finish(): Refusal | undefined;
  /** What the text has besides its values; to be called right after `finish`. */
  summary(): { rootByte: number; duplicateBits: number; overflowBits: number };
  /** Frees what is kept of the text. */
  release(): void;
}

/** Whether this engine runs the WebAssembly module. Without its vector instructions, texts are scanned by `PlainMachine`. */
export const HAS_MACHINE: boolean = machine !== undefined;

/** The machine in the middle of one text. */
export class JsonMachine implements TextMachine {
  /** How many bytes were taken; after a refusal, the offset of the refused byte. */
  offset = 0;
  readonly #rules: MemberRules;
  readonly #sink: ValueSink;
  #state: Uint8Array = INITIAL_STATE;
  /** The beginning of a name or value that the last chunk broke off. */
  #carried: Uint8Array | undefined;
  #carriedBytes = 0;

  constructor(rules: MemberRules, sink: ValueSink) {
    this.#rules = rules;
    this.#sink = sink;
  }

  /** Takes a chunk of any length. */
  take(chunk: Uint8Array): Refusal | undefined {
    if (chunk.length <= INPUT_BYTES) return this.#takeSlice(chunk);
    for (let from = 0; from < chunk.length; from += INPUT_BYTES) {
      const refusal = this.#takeSlice(chunk.subarray(from, from + INPUT_BYTES));
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  /** Ends the text: the space that may follow any text ends a number, and nothing else that was not complete. */
  finish(): Refusal | undefined {
    this.#enter();
    if (words[ADDRESS.state >> 2] === STATE_DONE) return undefined;
    const { offset } = this;
    const refusal = this.#takeSlice(Uint8Array.of(0x20));
    this.offset = offset;
    return refusal ?? (words[ADDRESS.state >> 2] === STATE_DONE ? undefined : 'invalid_json');
  }

  /** What the text said besides its values; to be asked for right after `finish`. */
  summary(): { rootByte: number; duplicateBits: number; overflowBits: number } {
    return {
      rootByte: words[ADDRESS.rootByte >> 2] ?? 0,
      duplicateBits: words[ADDRESS.duplicateBits >> 2] ?? 0,
      overflowBits: words[ADDRESS.overflowBits >> 2] ?? 0,
    };
  }

  /** Forgets the text; its state need not be kept when the next one comes. */
  release(): void {
    if (textInMemory === this) textInMemory = undefined;
    this.#state = INITIAL_STATE;
    this.#carried = undefined;
  }

  #takeSlice(slice: Uint8Array): Refusal | undefined {
    this.#enter();
    memory.set(slice, ADDRESS.input);
    // Vectors look at up to three bytes before theirs: behind the carried ones none may look like half a character.
    memory.writeInt32LE(0, ADDRESS.input - this.#carriedBytes - 4);
    const end = ADDRESS.input + slice.length;
    let event = scan(ADDRESS.input, end);
    while (event === EVENT.value) {
      this.#report();
      event = scan(words[ADDRESS.position >> 2] ?? end, end);
    }
    this.offset += (words[ADDRESS.position >> 2] ?? 0) - ADDRESS.input;
    if (event !== EVENT.consumed) return refusalOf(event);
    this.#carry(end);
    return undefined;
  }

  #report(): void {
    const path = words[ADDRESS.markPath >> 2] ?? 0;
    const start = words[ADDRESS.valueStart >> 2] ?? LOST_MARK;
    const isFull = this.#sink.take(path, memory, start === LOST_MARK ? undefined : start, words[ADDRESS.position >> 2] ?? 0, this.offset - ADDRESS.input);
    if (isFull) words[ADDRESS.fullBits >> 2] = (words[ADDRESS.fullBits >> 2] ?? 0) | (1 << path);
  }

  /** Moves the beginning of a name or value in front of where the next chunk will be. */
  #carry(end: number): void {
    const mark = words[ADDRESS.mark >> 2] ?? 0;
    this.#carriedBytes = 0;
    if (mark <= LOST_MARK) return;
    const length = end - mark;
    if (length > this.#rules.maxCarriedBytes) {
      words[ADDRESS.mark >> 2] = LOST_MARK;
      return;
    }
    memory.copyWithin(ADDRESS.input - length, mark, end);
    words[ADDRESS.mark >> 2] = ADDRESS.input - length;
    this.#carriedBytes = length;
  }

  #enter(): void {
    if (textInMemory === this) return;
    if (textInMemory !== undefined) textInMemory.#leave();
    putInMemory(this);
    memory.set(this.#state, 0);
    if (this.#carried !== undefined) memory.set(this.#carried, ADDRESS.input - this.#carriedBytes);
    if (rulesInMemory === this.#rules) return;
    rulesInMemory = this.#rules;
    memory.set(this.#rules.image, ADDRESS.rules);
  }

  #leave(): void {
    const depth = words[ADDRESS.depth >> 2] ?? 0;
    this.#state = Uint8Array.prototype.slice.call(memory, 0, ADDRESS.stack + depth + 1);
    this.#carried =
      this.#carriedBytes === 0
        ? undefined
        : Uint8Array.prototype.slice.call(memory, ADDRESS.input - this.#carriedBytes, ADDRESS.input);
  }
}

function refusalOf(event: number): Refusal {
  if (event === EVENT.invalidUtf8) return 'invalid_utf8';
  return event === EVENT.tooDeep ? 'too_deep' : 'invalid_json';
}

function putInMemory(text: JsonMachine): void {
  textInMemory = text;
}
