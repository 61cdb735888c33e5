const LF = 10;
const CR = 13;
const BOM = [0xef, 0xbb, 0xbf] as const;

/** Knows whether the bytes seen so far ended at a place where a new event may be written. */
export interface EventBoundary {
  /** Takes the next bytes; costs the same whatever their number. */
  update(chunk: Uint8Array): void;
  /** True at the start of the stream (after its BOM, if it has one) and after every blank line. */
  readonly isAtBoundary: boolean;
}

/**
 * Tracks event boundaries of a `text/event-stream` (WHATWG HTML section 9.2.6) by the stream's last bytes alone.
 *
 * CR, LF and CRLF end a line, so a blank line is at most two terminators long and three bytes decide: drop the last
 * terminator; the stream is at a boundary when another terminator, or nothing but a BOM, stands before it.
 */
export function createEventBoundary(): EventBoundary {
  return new TailBoundary();
}

class TailBoundary implements EventBoundary {
  /** How many bytes were seen, counted no further than a BOM and a terminator reach. */
  #seen = 0;
  /** The last three bytes, oldest first; -1 where the stream is shorter. */
  #third = -1;
  #second = -1;
  #last = -1;
  /** How many leading bytes agree with a BOM. */
  #bomLength = 0;

  update(chunk: Uint8Array): void {
    const { length } = chunk;
    if (this.#seen < 6) this.#countStart(chunk);
    if (length >= 3) {
      this.#third = chunk[length - 3] ?? -1;
      this.#second = chunk[length - 2] ?? -1;
      this.#last = chunk[length - 1] ?? -1;
      return;
    }
    for (let index = 0; index < length; index += 1) {
      this.#third = this.#second;
      this.#second = this.#last;
      this.#last = chunk[index] ?? -1;
    }
  }

  get isAtBoundary(): boolean {
    // A part of a BOM is no boundary: text put after it would not be read as a field.
    const start = this.#bomLength === 3 ? 3 : 0;
    if (this.#seen === start) return true;
    if (this.#last !== LF && this.#last !== CR) return false;
    const isPair = this.#last === LF && this.#second === CR;
    const before = isPair ? this.#third : this.#second;
    return before === LF || before === CR || this.#seen - (isPair ? 2 : 1) === start;
  }

  #countStart(chunk: Uint8Array): void {
    for (let index = 0; index < chunk.length && this.#seen < 6; index += 1) {
      if (this.#bomLength === this.#seen && this.#seen < 3 && chunk[index] === BOM[this.#seen]) this.#bomLength += 1;
      this.#seen += 1;
    }
  }
}
