import { hash } from 'node:crypto';

/** Bytes of a digest that decide; the rest adds nothing to a 53-bit number. */
const HALF_RANGE = 0x1_0000_0000;
/** Separates the ranks of this package from any other use of the same keys. Changing it moves every session. */
const SEED = 'penstock-upstream-group-1';

/** A number that stands for a key or a name, in two 32-bit halves. */
export interface Digest {
  readonly high: number;
  readonly low: number;
}

/** The digest of some texts. Each is preceded by its length, so that no two lists of texts have one digest. */
export function digestOf(...texts: readonly string[]): Digest {
  const bytes = hash('sha256', [SEED, ...texts].map((text) => `${text.length}:${text}`).join(''), 'buffer');
  return { high: bytes.readUInt32BE(0), low: bytes.readUInt32BE(4) };
}

/** The digest of a request that sticks to nothing. It protects no secret, so that `Math.random` is good enough. */
export function randomDigest(): Digest {
  return { high: Math.floor(Math.random() * HALF_RANGE), low: Math.floor(Math.random() * HALF_RANGE) };
}

/**
 * How much a key belongs to a member: weighted rendezvous hashing (highest random weight). The member with the largest rank gets the key; a member
 * that is added or removed moves only the keys that it gets or had, and the keys of a member are in proportion to its weight.
 *
 * Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998); Schindelhauer and Schomaker, "Weighted distributed hash tables" (2005).
 */
export function rankOf(key: Digest, member: Digest, weight: number): number {
  const high = mix(key.high ^ mix(member.high ^ key.low));
  const low = mix(key.low ^ mix(member.low ^ high));
  // Within (0, 1): never 0, whose logarithm has no end.
  const uniform = (high + (low + 0.5) / HALF_RANGE) / HALF_RANGE;
  return -weight / Math.log(uniform);
}

/** The finaliser of MurmurHash3: each bit of the input changes half of the output. */
function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
