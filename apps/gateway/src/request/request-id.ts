import { Buffer } from 'node:buffer';
import { randomFillSync } from 'node:crypto';

const ID_BYTES = 15;
const ID_CHARACTERS = 20;
const POOL_IDS = 256;
const pool = Buffer.alloc(ID_BYTES * POOL_IDS);
let words = '';
let used = POOL_IDS;

/** A new request id: `pen_` and 120 random bits in base64url. Randomness is drawn and encoded for 256 ids at once. */
export function createRequestId(): string {
  if (used === POOL_IDS) {
    words = randomFillSync(pool).toString('base64url');
    used = 0;
  }
  const start = used * ID_CHARACTERS;
  used += 1;
  return `pen_${words.slice(start, start + ID_CHARACTERS)}`;
}
