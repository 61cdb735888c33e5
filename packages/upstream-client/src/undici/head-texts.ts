import { Buffer } from 'node:buffer';

/** So many parts of a head are remembered: the names and values of 48 fields. */
const PLACES = 96;
const MAX_LENGTH = 128;
/** What stands in a place is learned anew that often. */
const LEARNED_EVERY = 64;

/** A part of a head, both ways. */
interface KnownText {
  readonly text: string;
  readonly bytes: DataView;
}

/**
 * Decodes the heads of one upstream. Most parts of a head are what stood in their place in those before: every name, and half of the values. Such
 * a part is given as the text it was then, which whoever looks at it has seen before and knows by its address; and it holds nothing else, while
 * a piece of a head keeps all of it.
 */
export class HeadTexts {
  readonly known: (KnownText | undefined)[] = Array.from({ length: PLACES }, () => undefined);
  #heads = 0;

  /** Names and values in turn, latin1, of parts that undici cut out of what it read. */
  decode(parts: readonly Buffer[]): string[] {
    const isLearning = this.#heads % LEARNED_EVERY === 0;
    this.#heads += 1;
    const texts: string[] = [];
    const [first] = parts;
    const last = parts.at(-1);
    if (first === undefined || last === undefined) return texts;
    if (!areInOrder(parts)) {
      for (let index = 0; index < parts.length; index += 1) texts.push((parts[index] as Buffer).toString('latin1'));
      return texts;
    }
    // They are nearly always pieces of one read: that is decoded once and cut, because decoding forty pieces takes four times as long.
    const start = first.byteOffset;
    const head = new DataView(first.buffer, start, last.byteOffset + last.length - start);
    let text: string | undefined;
    for (let index = 0; index < parts.length; index += 1) {
      const { byteOffset, length } = parts[index] as Buffer;
      const from = byteOffset - start;
      const known = this.known[index];
      if (known !== undefined && isAt(head, from, length, known.bytes)) texts.push(known.text);
      else if (isLearning) texts.push(this.#learn(index, parts[index] as Buffer));
      else texts.push((text ??= latin1(head)).slice(from, from + length));
    }
    return texts;
  }

  #learn(index: number, part: Buffer): string {
    const text = part.toString('latin1');
    if (index < PLACES && text.length <= MAX_LENGTH) this.known[index] = { text: interned(text), bytes: new DataView(Uint8Array.from(part).buffer) };
    return text;
  }
}

/** Four bytes at a time: a head has some eight hundred. */
function isAt(head: DataView, from: number, length: number, bytes: DataView): boolean {
  if (bytes.byteLength !== length) return false;
  let index = 0;
  for (; index + 4 <= length; index += 4) if (head.getInt32(from + index) !== bytes.getInt32(index)) return false;
  for (; index < length; index += 1) if (head.getInt8(from + index) !== bytes.getInt8(index)) return false;
  return true;
}

function latin1({ buffer, byteOffset, byteLength }: DataView): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

/** The one text of this content that the engine compares by its address: keys are such. */
function interned(text: string): string {
  return Object.keys({ [text]: true })[0] ?? text;
}

/** Whether all parts lie behind each other in the same memory. */
function areInOrder(parts: readonly Buffer[]): boolean {
  const { buffer } = parts[0] as Buffer;
  let end = 0;
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index] as Buffer;
    if (part.buffer !== buffer || part.byteOffset < end) return false;
    end = part.byteOffset + part.length;
  }
  return true;
}
