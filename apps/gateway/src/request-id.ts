import { randomFillSync } from 'node:crypto';

const ID_BYTES = 15;
const POOL_IDS = 256;
const pool = Buffer.alloc(ID_BYTES * POOL_IDS);
let used = POOL_IDS;

/** A new request id: `pen_` and 120 random bits. Randomness is drawn for 256 ids at once. */
export function createRequestId(): string {
  if (used === POOL_IDS) {
    randomFillSync(pool);
    used = 0;
  }
  const start = used * ID_BYTES;
  used += 1;
  return `pen_${pool.toString('base64url', start, start + ID_BYTES)}`;
}
