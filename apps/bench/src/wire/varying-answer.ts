import { randomFillSync } from 'node:crypto';

/** A run of bytes in a template that differs in each copy. */
interface Field {
  readonly offset: number;
  readonly length: number;
  readonly alphabet: Buffer;
}

const DIGITS = Buffer.from('0123456789');
const HEX = Buffer.from('0123456789abcdef');
const BASE62 = Buffer.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');

/** Placeholders in the text of a head; a run of `#`, `%` or `*` becomes as many random digits, hexadecimal digits or letters and digits. */
const ALPHABETS: Readonly<Record<string, Buffer>> = { '#': DIGITS, '%': HEX, '*': BASE62 };
const RANDOM_BYTES = 65_536;

/** The place of the `date` field's value in a head, as long as that is (RFC 9110, section 5.6.7). */
export const DATE_PLACEHOLDER = 'Day, 00 Mon 0000 00:00:00 GMT';

/** An answer whose ids, dates and quotas differ in each copy, as in answers of the real API: what a contender remembers of heads does not help it. */
export class VaryingAnswer {
  readonly #template: Buffer;
  readonly #fields: readonly Field[];
  readonly #dateAt: number;
  readonly #random = Buffer.alloc(RANDOM_BYTES);
  #used = RANDOM_BYTES;
  #dateMade = 0;

  constructor(head: string, body: Buffer) {
    this.#template = Buffer.concat([Buffer.from(head, 'latin1'), body]);
    this.#fields = [...head.matchAll(/#{2,}|%{2,}|\*{2,}/g)].map(({ index, 0: run }) => ({ offset: index, length: run.length, alphabet: ALPHABETS[run[0] as string] as Buffer }));
    this.#dateAt = head.indexOf(DATE_PLACEHOLDER);
  }

  /** A new copy. */
  next(): Buffer {
    this.#renewDate();
    const copy = Buffer.from(this.#template);
    for (const { offset, length, alphabet } of this.#fields) {
      for (let index = 0; index < length; index += 1) copy[offset + index] = alphabet[this.#nextRandom() % alphabet.length] as number;
    }
    return copy;
  }

  #renewDate(): void {
    const now = Date.now();
    if (this.#dateAt === -1 || now - this.#dateMade < 1_000) return;
    this.#dateMade = now - now % 1_000;
    this.#template.write(new Date(now).toUTCString(), this.#dateAt, 'latin1');
  }

  #nextRandom(): number {
    if (this.#used === RANDOM_BYTES) {
      randomFillSync(this.#random);
      this.#used = 0;
    }
    this.#used += 1;
    return this.#random[this.#used - 1] as number;
  }
}
