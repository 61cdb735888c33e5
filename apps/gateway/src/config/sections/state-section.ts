import { z } from 'zod';
import { checkedText, RELOADABLE } from './field-kinds.ts';

/** With what the store of a single machine begins; the path of the file follows. */
export const SQLITE_SCHEME = 'sqlite:';

/** Where the gateway keeps what must outlive it. */
export interface StateConfig {
  /** Absent where nothing needs it. */
  readonly store?: string | undefined;
  /** What becomes of requests of callers with budgets while the spending cannot be read. */
  readonly on_failure: StateFailurePolicy;
  /** Seconds. */
  readonly flush_interval: number;
}

/** `open` admits them, `closed` refuses them. */
export type StateFailurePolicy = 'open' | 'closed';

const FLUSH_EXPECTED = 'a number of seconds from 0.1 to 60';
const STORE_EXPECTED = 'sqlite: and the path of a file, or a postgres:// URL';

function isStore(value: string): boolean {
  if (value.startsWith(SQLITE_SCHEME)) return value.length > SQLITE_SCHEME.length && !value.includes('\0');
  const url = URL.parse(value);
  return url !== null && (url.protocol === 'postgres:' || url.protocol === 'postgresql:') && url.hostname !== '';
}

/** The schema of `state`. */
export const stateSection: z.ZodType<StateConfig> = z.strictObject({
  store: checkedText(STORE_EXPECTED, isStore).optional()
    .describe('`sqlite:` and the path of a file, from the folder of the configuration, or the `postgres://` URL of a server that replicas share. Absent but needed by `identity.sign_in`, `budgets` or `admin`: `sqlite:penstock.db`. A password in it is secret.'),
  on_failure: z.enum(['open', 'closed'], 'open or closed').default('open')
    .describe('What becomes of requests of callers with budgets while the store of what was spent fails: `open` admits them, `closed` refuses them with 429.').meta(RELOADABLE),
  flush_interval: z.number(FLUSH_EXPECTED).min(0.1, FLUSH_EXPECTED).max(60, FLUSH_EXPECTED).default(1)
    .describe('Seconds for which the cost of requests waits in memory before it is written in one transaction. A crash of the process loses as much.'),
}, 'an object');
