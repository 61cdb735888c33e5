import { z } from 'zod';
import { checkedText, list } from './field-kinds.ts';

/** A key with an end of its own. */
export interface ExpiringKey {
  readonly sha256: string;
  readonly expires_at?: string | undefined;
}

/** What `key_sha256` may be: one hash, or a list, so that an old and a new key are taken side by side. */
export type ClientKeys = string | readonly (string | ExpiringKey)[];

/** One key of a client as the gateway uses it. */
export interface ClientKey {
  /** In lower case. */
  readonly sha256: string;
  /** Unix milliseconds; infinite for a key without an end. */
  readonly expiresAt: number;
}

/** Keys that one client may have at once. */
export const MOST_KEYS_OF_A_CLIENT = 16;

const HASH = /^[0-9a-fA-F]{64}$/;
const HASH_EXPECTED = 'the SHA-256 of a client key in 64 hexadecimal digits, as `penstock keys create` prints it';
const TIME_EXPECTED = 'a date or a time with its offset, such as 2027-01-31 or 2027-01-31T18:00:00Z';

/** RFC 3339, or a date alone, which is the first moment of that day in UTC. */
const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** Whether a text is a moment that `expires_at` may hold. `Date.parse` takes 31 February for 3 March, so the day is compared. */
export function isMoment(text: string): boolean {
  return TIME.test(text) && !Number.isNaN(Date.parse(text)) && new Date(Date.parse(text.slice(0, 10))).toISOString().startsWith(text.slice(0, 10));
}

/** The schema of `expires_at`. */
export function expiresAt(): z.ZodString {
  return checkedText(TIME_EXPECTED, isMoment);
}

const hash = z.string(HASH_EXPECTED).regex(HASH, HASH_EXPECTED);

const expiringKey: z.ZodType<ExpiringKey> = z.strictObject({
  sha256: hash.describe('SHA-256 of the key in hexadecimal.'),
  expires_at: expiresAt().optional().describe('From then on this key is refused.'),
}, 'an object with sha256');

/** The schema of `key_sha256`. */
export const clientKeysSchema: z.ZodType<ClientKeys> = z.union([
  hash,
  list(z.union([hash, expiringKey], HASH_EXPECTED)).max(MOST_KEYS_OF_A_CLIENT, `a list of at most ${MOST_KEYS_OF_A_CLIENT} keys`),
], HASH_EXPECTED);

/** All keys of a client, each with the earlier one of its own end and the client's. */
export function clientKeys({ key_sha256: keys, expires_at: end }: { readonly key_sha256: ClientKeys; readonly expires_at?: string | undefined }): readonly ClientKey[] {
  const given = typeof keys === 'string' ? [keys] : keys;
  return given.map((key) => {
    const { sha256, expires_at: own } = typeof key === 'string' ? { sha256: key } as ExpiringKey : key;
    return { sha256: sha256.toLowerCase(), expiresAt: Math.min(moment(own), moment(end)) };
  });
}

function moment(text: string | undefined): number {
  return text === undefined ? Number.POSITIVE_INFINITY : Date.parse(text);
}
