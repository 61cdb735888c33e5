import { clientKeys, MOST_KEYS_OF_A_CLIENT, type ClientKeys, type ExpiringKey } from '../../config/sections/client-keys.ts';
import type { ReadClients } from './read-clients.ts';
import type { TextEdit } from './edit-text.ts';

/** A change that cannot be made. */
export class KeyChangeError extends Error {
  override readonly name = 'KeyChangeError';
}

/** A new key of a client. */
export interface NewKey {
  readonly name: string;
  readonly sha256: string;
  readonly expiresAt?: string | undefined;
  /** When the other keys of the client end, unless they end before. */
  readonly othersExpireAt?: string | undefined;
}

/** The edits that add a key: to the client of that name, or to a new one. Throws a `KeyChangeError`. */
export function addKey({ clients, written }: ReadClients, { name, sha256, expiresAt, othersExpireAt }: NewKey): TextEdit[] {
  const added = expiresAt === undefined ? sha256 : { sha256, expires_at: expiresAt };
  const index = clients.findIndex((client) => client.name === name);
  const client = clients[index];
  const entry = written[index];
  if (client === undefined || entry === undefined) return [{ path: ['clients', -1], value: { name, key_sha256: expiresAt === undefined ? sha256 : [added] } }];
  const keys = listOf(entry.key_sha256);
  if (keys.length >= MOST_KEYS_OF_A_CLIENT) throw new KeyChangeError(`${name} has ${keys.length} keys, which is the most: revoke one with penstock keys revoke ${name} --key HASH`);
  const path = ['clients', index, 'key_sha256'];
  const ends = clientKeys(client).map(({ expiresAt: end }) => end);
  const others = keys.map((key, at) => (othersExpireAt === undefined || (ends[at] ?? 0) <= Date.parse(othersExpireAt) ? key : endingAt(key, othersExpireAt)));
  // A list that only grows keeps its comments.
  if (typeof entry.key_sha256 !== 'string' && othersExpireAt === undefined) return [{ path: [...path, -1], value: added }];
  return [{ path, value: [...others, added] }];
}

/**
 * The edits that take keys away: those whose hash begins with a text, or all. The client stays, with its limits and its series, and
 * no caller can use it: were the last client removed, callers would be anonymous. Throws a `KeyChangeError`.
 */
export function revokeKeys({ clients, written }: ReadClients, name: string, start: string | undefined): { edits: TextEdit[]; revoked: readonly string[] } {
  const index = clients.findIndex((client) => client.name === name);
  const client = clients[index];
  const entry = written[index];
  if (client === undefined || entry === undefined) throw new KeyChangeError(`there is no client ${JSON.stringify(name)}; penstock keys list shows all`);
  const hashes = clientKeys(client).map(({ sha256 }) => sha256);
  const matching = hashes.filter((hash) => start === undefined || hash.startsWith(start.toLowerCase()));
  if (matching.length === 0) throw new KeyChangeError(hashes.length === 0 ? `${name} has no key` : `${name} has no key whose hash begins so; penstock keys list shows all`);
  if (start !== undefined && matching.length > 1) throw new KeyChangeError(`${matching.length} keys of ${name} have a hash that begins so: give more of it`);
  const path = ['clients', index, 'key_sha256'];
  if (matching.length === hashes.length) return { edits: [{ path, value: [] }], revoked: matching };
  // Entry by entry, the last first, so that the others keep their comments.
  const edits = hashes.flatMap((hash, at): TextEdit[] => (matching.includes(hash) ? [{ path: [...path, at], value: undefined }] : [])).toReversed();
  return { edits, revoked: matching };
}

function listOf(keys: ClientKeys): readonly (string | ExpiringKey)[] {
  return typeof keys === 'string' ? [keys] : keys;
}

function endingAt(key: string | ExpiringKey, end: string): ExpiringKey {
  return { sha256: typeof key === 'string' ? key : key.sha256, expires_at: end };
}
