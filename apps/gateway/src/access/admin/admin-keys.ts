import { hash, timingSafeEqual } from 'node:crypto';
import type { AdminConfig } from '../../config/sections/admin-section.ts';

/** What an administrator may do: `write` includes `read`. */
export type AdminRight = 'read' | 'write';

/** An administrator that was recognised. */
export interface Administrator {
  readonly right: AdminRight;
  /** For the audit: `admin-key:` and the start of the key's SHA-256, or `oidc:` and the subject. */
  readonly actor: string;
}

/** Judges the keys of one configuration. */
export interface AdminKeys {
  /** Whether there are any. */
  readonly size: number;
  /** Whose key it is; `undefined` for one that is not known. Every key is compared, in constant time. */
  judge(presented: string): Administrator | undefined;
}

/** Hexadecimal digits of a key's SHA-256 that the audit shows. */
const SHOWN_DIGITS = 12;

/** Reads the keys of a configuration; only their digests are kept. */
export function createAdminKeys({ write_keys: write, read_keys: read }: Pick<AdminConfig, 'write_keys' | 'read_keys'>): AdminKeys {
  const known = [...write.map((key) => entryOf(key, 'write')), ...read.map((key) => entryOf(key, 'read'))];
  return {
    size: known.length,
    judge(presented) {
      const digest = hash('sha256', presented, 'buffer');
      let found: Administrator | undefined;
      for (const entry of known) {
        // No early end: the time must not show which key is near.
        if (timingSafeEqual(entry.digest, digest)) found = entry.administrator;
      }
      return found;
    },
  };
}

function entryOf(key: string, right: AdminRight): { readonly digest: Buffer; readonly administrator: Administrator } {
  const digest = hash('sha256', key, 'buffer');
  return { digest, administrator: { right, actor: `admin-key:${digest.toString('hex').slice(0, SHOWN_DIGITS)}` } };
}
