import { Buffer } from 'node:buffer';
import { hash, timingSafeEqual } from 'node:crypto';
import type { ClientRules } from './client-rules.ts';

/** One client by the digest of its key. */
export interface ClientEntry {
  readonly digest: Buffer;
  /** Unix milliseconds from which the key is refused; infinite for a key without an end. */
  readonly expiresAt: number;
  readonly rules: ClientRules;
}

/** All clients by the digests of their keys in hexadecimal. */
export type ClientEntries = ReadonlyMap<string, ClientEntry>;

/**
 * Looks a key up by its SHA-256. How long the map takes may depend on the digest, but never on the key: to learn anything from it one
 * must choose digests, and a key whose digest starts with n wanted bits costs 2^n hashes, while the digest itself does not open
 * anything. The last comparison is over all 32 bytes in constant time.
 */
export function findClient(key: string, entries: ClientEntries): ClientRules | undefined {
  return findByDigest(digestOf(key), entries);
}

/** The SHA-256 of a credential in hexadecimal. */
export function digestOf(key: string): string {
  return hash('sha256', Buffer.from(key, 'latin1'), 'hex');
}

/** The client whose key has a digest, unless the key's time is over. */
export function findByDigest(digest: string, entries: ClientEntries): ClientRules | undefined {
  const entry = findEntry(digest, entries);
  return entry === undefined || isOver(entry) ? undefined : entry.rules;
}

/** Whether a key is of a client's, also one whose time is over. */
export function isKnown(key: string, entries: ClientEntries): boolean {
  return findEntry(digestOf(key), entries) !== undefined;
}

/** Whether a key is a client's whose time is over. */
export function hasExpired(key: string, entries: ClientEntries): boolean {
  const entry = findEntry(digestOf(key), entries);
  return entry !== undefined && isOver(entry);
}

function findEntry(digest: string, entries: ClientEntries): ClientEntry | undefined {
  const entry = entries.get(digest);
  return entry !== undefined && timingSafeEqual(entry.digest, Buffer.from(digest, 'hex')) ? entry : undefined;
}

/** The wall clock decides, as it does for tokens. Most keys have no end, and no clock is read for them. */
function isOver({ expiresAt }: ClientEntry): boolean {
  return expiresAt !== Number.POSITIVE_INFINITY && Date.now() >= expiresAt;
}
