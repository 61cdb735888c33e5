/** A stamp is `@`, 14 digits and `@`: the number of a stream and the microsecond in which it was written. Nothing else in a bench body has an `@`. */
export const STAMP_BYTES = 16;

const AT = 0x40;
const DIGITS = 14;

/** Microseconds of the monotonic clock, which all processes of a machine share. */
export function nowMicroseconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + Math.floor(nanoseconds / 1e3);
}

/** The clock of a stamp starts again after so many microseconds; above them it counts streams. */
const CLOCK = 1e9;

/** The value of a stamp that stream number `stream` (at most 99,999) writes at `microseconds` of the monotonic clock. */
export function stampOf(stream: number, microseconds: number): number {
  return stream * CLOCK + microseconds % CLOCK;
}

/** The number of the stream that wrote a stamp. */
export function streamOf(stamp: number): number {
  return Math.floor(stamp / CLOCK);
}

/** The age of a stamp in microseconds; right for at most a thousand seconds. */
export function ageOf(stamp: number, microseconds: number): number {
  return (microseconds % CLOCK - stamp % CLOCK + CLOCK) % CLOCK;
}

/** Writes the digits of a stamp at `offset`. */
export function writeStamp(target: Uint8Array, offset: number, stamp: number): void {
  target[offset] = AT;
  target[offset + STAMP_BYTES - 1] = AT;
  let rest = stamp;
  for (let index = offset + DIGITS; index > offset; index -= 1) {
    const next = Math.floor(rest / 10);
    target[index] = 48 + rest - next * 10;
    rest = next;
  }
}

/** Finds stamps in a stream that is cut anywhere. */
export class StampReader {
  readonly #onStamp: (stamp: number) => void;
  /** Digits read of an open stamp, or -1 outside one. */
  #digits = -1;
  #value = 0;

  constructor(onStamp: (stamp: number) => void) {
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
