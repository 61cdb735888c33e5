import { z } from 'zod';
import { checkedText, flag, list, text } from './field-kinds.ts';
import { groupName } from './sign-in-section.ts';

/** Who may read and change what is administered over HTTP, and where. */
export interface AdminConfig {
  readonly write_keys: readonly string[];
  readonly read_keys: readonly string[];
  readonly groups: readonly string[];
  readonly main_listener: boolean;
  readonly blocked_message?: string | undefined;
}

/** Shorter keys can be guessed. */
export const SHORTEST_ADMIN_KEY = 32;

const LONGEST_MESSAGE = 500;
const MOST_KEYS = 100;
const KEY = `a key of at least ${SHORTEST_ADMIN_KEY} printable characters without spaces`;

function adminKeys(): z.ZodArray<z.ZodString> {
  return list(text(KEY).regex(/^[\x21-\x7e]{32,4096}$/, KEY)).max(MOST_KEYS, `a list of at most ${MOST_KEYS} keys`);
}

/** The schema of `admin`. */
export const adminSection: z.ZodType<AdminConfig> = z.strictObject({
  write_keys: adminKeys().default([]).describe('Keys, sent as `x-api-key`, that may read and change. At least 32 characters; secret.'),
  read_keys: adminKeys().default([]).describe('Keys that may only read. At least 32 characters; secret.'),
  groups: list(groupName()).default([]).describe('Persons of these groups may read and change, with their bearer token.'),
  main_listener: flag().default(false).describe('Whether the paths are served under `/anthropic` of the main listener as well.'),
  blocked_message: checkedText(`one line of at most ${LONGEST_MESSAGE} characters`, (value) => value.length <= LONGEST_MESSAGE && !/\p{Cc}/u.test(value)).optional()
    .describe('What a caller whose budget is spent reads behind the time of the reset: whom to ask, for example.'),
}, 'an object');

/** Whether there is administration over HTTP: otherwise its paths are 404. */
export function hasAdmin({ admin }: { readonly admin: AdminConfig }): boolean {
  return admin.write_keys.length > 0 || admin.read_keys.length > 0 || admin.groups.length > 0;
}
