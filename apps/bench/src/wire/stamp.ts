/** A stamp is `@`, 14 digits of microseconds of the machine's monotonic clock, and `@`; nothing else in a bench body has an `@`. */
export const STAMP_BYTES = 16;

const AT = 0x40;
const DIGITS = 14;

/** Microseconds of the monotonic clock, which all processes of a machine share. */
export function nowMicroseconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + Math.floor(nanoseconds / 1e3);
}

/** Writes a stamp of `microseconds` at `offset`. */
export function writeStamp(target: Uint8Array, offset: number, microseconds: number): void {
  target[offset] = AT;
  target[offset + STAMP_BYTES - 1] = AT;
  let rest = microseconds;
  for (let index = offset + DIGITS; index > offset; index -= 1) {
    const next = Math.floor(rest / 10);
    target[index] = 48 + rest - next * 10;
    rest = next;
  }
}

/** Finds stamps in a stream that is cut anywhere. */
export class StampReader {
  readonly #onStamp: (microseconds: number) => void;
  /** Digits read of an open stamp, or -1 outside one. */
  #digits = -1;
  #value = 0;

  constructor(onStamp: (microseconds: number) => void) {
    this.#onStamp = onStamp;
  }

  push(bytes: Uint8Array): void {
    let index = 0;
    while (index < bytes.length) {
      if (this.#digits === -1) {
        index = bytes.indexOf(AT, index);
        if (index === -1) return;
        this.#digits = 0;
        this.#value = 0;
        index += 1;
      }
      for (; index < bytes.length && this.#digits < DIGITS; index += 1, this.#digits += 1) {
        this.#value = this.#value * 10 + (bytes[index] as number) - 48;
      }
      if (index === bytes.length) return;
      // The closing `@`.
      index += 1;
      this.#digits = -1;
      this.#onStamp(this.#value);
    }
  }
}
