import { Buffer } from 'node:buffer';
import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createAdminKeys } from '../../access/admin/admin-keys.ts';
import { isLoopbackHost } from '../../config/loopback.ts';
import type { AdminConfig } from '../../config/sections/admin-section.ts';

/** Who may see the live page. */
export interface PageAccessOptions {
  /** The address of the listener. */
  readonly host: string;
  /** `operations.token`. */
  readonly token: string | undefined;
  /** The section that runs now: who has a key of it sees persons. @defaultValue no keys */
  readonly admin?: (() => Pick<AdminConfig, 'read_keys' | 'write_keys'>) | undefined;
}

/** Why a request may not see the page: it has no token or a wrong one, or the listener may not show it to anyone. */
export type PageRefusal = 'unauthenticated' | 'closed' | undefined;

/** What one request may see. */
export interface PageReader {
  readonly refusal: PageRefusal;
  readonly seesPersons: boolean;
}

const SCHEME = /^(bearer|basic) +([\x21-\x7e]{1,4096})$/i;

/**
 * Makes the check of readers. The token comes as a bearer token, or, from a browser, as the password of any user (RFC 7617), which the browser then
 * sends with the page's events as well. Without a token only a listener on a loopback address shows the page. A key of administrators stands for the
 * token, or comes beside it as `x-api-key`; with it persons are shown wherever the reader is.
 */
export function createPageAccess({ host, token, admin = () => NO_KEYS }: PageAccessOptions): (request: IncomingMessage) => PageReader {
  const digest = token === undefined ? undefined : hash('sha256', token, 'buffer');
  const isClosed = token === undefined && !isLoopbackHost(host);
  return (request) => {
    if (isClosed) return { refusal: 'closed', seesPersons: false };
    const presented = credentialOf(request);
    const keys = createAdminKeys(admin());
    const isAdministrator = [presented, ...request.headersDistinct['x-api-key'] ?? []].some((key) => key !== '' && keys.judge(key) !== undefined);
    const hasToken = presented !== '' && digest !== undefined && timingSafeEqual(hash('sha256', presented, 'buffer'), digest);
    if (digest !== undefined && !hasToken && !isAdministrator) return { refusal: 'unauthenticated', seesPersons: false };
    return { refusal: undefined, seesPersons: isAdministrator || isOnThisMachine(request) };
  };
}

const NO_KEYS = { read_keys: [], write_keys: [] } as const;

/** The bearer, or the password; empty where there is none. */
function credentialOf({ headers }: IncomingMessage): string {
  const [, scheme = '', credential = ''] = SCHEME.exec(headers.authorization ?? '') ?? [];
  return scheme.toLowerCase() === 'basic' ? Buffer.from(credential, 'base64').toString().replace(/^[^:]*:/, '') : credential;
}

/** Fields by which a proxy shows that it passes a request on (RFC 7239; RFC 9110, section 7.6.3; the two customary ones). docs/live-page.md names them. */
export const FORWARDING_FIELDS = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'] as const;

/**
 * Whether a request comes from this machine itself, as far as can be seen: then persons are named without a key. A proxy or tunnel that ends here and adds none
 * of the fields looks the same.
 */
export function isOnThisMachine({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): boolean {
  return isLoopbackHost(socket.remoteAddress ?? '') && FORWARDING_FIELDS.every((name) => headers[name] === undefined);
}
