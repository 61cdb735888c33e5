import { Buffer } from 'node:buffer';
import { hkdfSync } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { keyIdOf, type SessionKeys } from './session-keys.ts';

/** What a sealed value is for. Each purpose has keys of its own, so that a value of one is never taken for the other. */
export type SealPurpose = 'browser' | 'provider_refresh' | 'successor';

const KEY_BYTES = 32;
const SALT = 'penstock-sign-in';

/** Encrypts a value as JWE (RFC 7516: `dir`, `A256GCM`) under a key derived from the first session key. */
export async function seal(keys: SessionKeys, purpose: SealPurpose, value: string): Promise<string> {
  const [first = ''] = keys.current();
  return new CompactEncrypt(Buffer.from(value)).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: keyIdOf(first) }).encrypt(deriveKey(first, purpose));
}

/** Decrypts a value that any of the session keys sealed; `undefined` for all others. */
export async function unseal(keys: SessionKeys, purpose: SealPurpose, sealed: string): Promise<string | undefined> {
  for (const key of keys.current()) {
    try {
      const { plaintext } = await compactDecrypt(sealed, deriveKey(key, purpose), { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] });
      return Buffer.from(plaintext).toString();
    } catch {
      // Another key may have sealed it; a value that none opens is not ours.
    }
  }
  return undefined;
}

/** RFC 5869. */
function deriveKey(key: string, purpose: SealPurpose): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, SALT, purpose, KEY_BYTES));
}
