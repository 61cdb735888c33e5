import { z } from 'zod';
import { flag, hostName, port, text } from './field-kinds.ts';

/** The operations listener: metrics and probes. */
export interface OperationsConfig {
  readonly host: string;
  readonly port: number;
  /** Whether the live page and `/status.json` are served. */
  readonly page: boolean;
  /** The token that both need; on a listener that is not loopback they are closed without one. */
  readonly token?: string | undefined;
}

const TOKEN = 'a token of 16 to 256 printable characters without spaces';

/** The schema of `operations`. */
export const operationsSection: z.ZodType<OperationsConfig> = z.strictObject({
  host: hostName().default('127.0.0.1').describe('Address of the operations listener (live page, `/status.json`, `/metrics`, `/livez`, `/readyz`).'),
  port: port().default(9_464).describe('Port of the operations listener.'),
  page: flag().default(true).describe('Whether the listener serves the live page (`/`), its events and `/status.json`, and remembers what they show. [live-page.md](live-page.md) describes them.'),
  token: text(TOKEN).regex(/^[\x21-\x7e]{16,256}$/, TOKEN).optional().describe('The token that the live page and `/status.json` need: as a bearer token, or in a browser as the password of any user. Metrics and probes need none. On an address that is not loopback, page and `/status.json` are closed unless it is set.'),
}, 'an object');
