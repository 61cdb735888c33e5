import { z } from 'zod';
import { checkedText } from './field-kinds.ts';

/** With what the store of a single machine begins; the path of the file follows. */
export const SQLITE_SCHEME = 'sqlite:';

/** Where the gateway keeps what must outlive it. */
export interface StateConfig {
  /** Absent where nothing needs it. */
  readonly store?: string | undefined;
}

const STORE_EXPECTED = 'sqlite: and the path of a file, or a postgres:// URL';

function isStore(value: string): boolean {
  if (value.startsWith(SQLITE_SCHEME)) return value.length > SQLITE_SCHEME.length && !value.includes('\0');
  const url = URL.parse(value);
  return url !== null && (url.protocol === 'postgres:' || url.protocol === 'postgresql:') && url.hostname !== '';
}

/** The schema of `state`. */
export const stateSection: z.ZodType<StateConfig> = z.strictObject({
  store: checkedText(STORE_EXPECTED, isStore).optional()
    .describe('`sqlite:` and the path of a file, from the folder of the configuration, or the `postgres://` URL of a server that replicas share. Absent but needed by `identity.sign_in`: `sqlite:penstock.db`. A password in it is secret.'),
}, 'an object');
