import { createHash, randomBytes } from 'node:crypto';

const SECRET_BYTES = 32;

/** A random value of 256 bits, base64url. */
export function createSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** The SHA-256 digest under which a code or token is stored and looked up, base64url. The store never holds the value itself. */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
