import { createHash } from 'node:crypto';

/** A repeatable source of variety: the same seed gives the same sequence on every machine. */
export interface SeededRandom {
  /** A whole number from 0 to `below - 1`. */
  integer(below: number): number;
  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
  /** `length` characters of the alphabet that the API's identifiers use. */
  identifier(length: number): string;
  /** `byteLength` bytes in base64, like a signature or encrypted content. */
  base64(byteLength: number): string;
}

const IDENTIFIER_ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Creates a sequence from any bytes or text (xoshiro128** over the SHA-256 of the seed). */
export function createSeededRandom(...seed: ReadonlyArray<string | Uint8Array>): SeededRandom {
  const hash = createHash('sha256');
  for (const part of seed) hash.update(part).update('\0');
  const digest = hash.digest();
  const state = new Uint32Array(4);
  for (let index = 0; index < 4; index += 1) state[index] = digest.readUInt32LE(index * 4);
  const next = (): number => nextWord(state);
  const integer = (below: number): number => next() % below;
  return {
    integer,
    pick: (list) => pickFrom(list, integer),
    identifier: (length) => Array.from({ length }, () => IDENTIFIER_ALPHABET[integer(IDENTIFIER_ALPHABET.length)]).join(''),
    base64: (byteLength) => Buffer.from(Uint8Array.from({ length: byteLength }, () => next() & 255)).toString('base64'),
  };
}

function pickFrom<T>(list: readonly T[], integer: (below: number) => number): T {
  const [picked] = list.slice(integer(list.length));
  if (picked === undefined) throw new RangeError('cannot pick from an empty list');
  return picked;
}

/** An identifier of the API's shape, `msg_01` and 22 more characters for example. */
export function apiIdentifier(prefix: string, random: SeededRandom): string {
  return `${prefix}_01${random.identifier(22)}`;
}

function nextWord(state: Uint32Array): number {
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = state;
  const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
  state[2] = s2 ^ s0;
  state[3] = s3 ^ s1;
  state[1] = s1 ^ (s2 ^ s0);
  state[0] = s0 ^ (s3 ^ s1);
  state[2] = (s2 ^ s0) ^ (s1 << 9);
  state[3] = rotateLeft(s3 ^ s1, 11);
  return result;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
