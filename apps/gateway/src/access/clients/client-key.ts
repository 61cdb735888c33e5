import { createHash, randomBytes } from 'node:crypto';

/** What every client key starts with, so that scanners and people recognise one. */
export const CLIENT_KEY_PREFIX = 'pen_';

const KEY_BYTES = 32;

/** A new client key: 256 random bits, URL-safe. It is shown once; only its hash is kept. */
export function createClientKey(): string {
  return CLIENT_KEY_PREFIX + randomBytes(KEY_BYTES).toString('base64url');
}

/** The SHA-256 of a key as `key_sha256` holds it. A plain hash is enough for 256 random bits; a chosen password would need more. */
export function hashClientKey(key: string): string {
  return createHash('sha256').update(key, 'latin1').digest('hex');
}
