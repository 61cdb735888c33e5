import { Buffer } from 'node:buffer';
import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isLoopbackHost } from '../../config/loopback.ts';

/** Who may see the live page. */
export interface PageAccessOptions {
  /** The address of the listener. */
  readonly host: string;
  /** `operations.token`. */
  readonly token: string | undefined;
}

/** Why a request may not see the page: it has no token or a wrong one, or the listener may not show it to anyone. */
export type PageRefusal = 'unauthenticated' | 'closed' | undefined;

const SCHEME = /^(bearer|basic) +([\x21-\x7e]{1,4096})$/i;

/**
 * Makes the check of the token. It comes as a bearer token, or, from a browser, as the password of any user (RFC 7617), which the browser then
 * sends with the page's events as well. Without a token only a listener on a loopback address shows the page.
 */
export function createPageAccess({ host, token }: PageAccessOptions): (request: IncomingMessage) => PageRefusal {
  if (token === undefined) {
    const refusal: PageRefusal = isLoopbackHost(host) ? undefined : 'closed';
    return () => refusal;
  }
  const digest = hash('sha256', token, 'buffer');
  return ({ headers }) => {
    const [, scheme = '', credential = ''] = SCHEME.exec(headers.authorization ?? '') ?? [];
    const presented = scheme.toLowerCase() === 'basic' ? Buffer.from(credential, 'base64').toString().replace(/^[^:]*:/, '') : credential;
    return presented !== '' && timingSafeEqual(hash('sha256', presented, 'buffer'), digest) ? undefined : 'unauthenticated';
  };
}

/** Fields by which a proxy shows that it passes a request on (RFC 7239; RFC 9110, section 7.6.3; the two customary ones). docs/live-page.md names them. */
export const FORWARDING_FIELDS = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'] as const;

/**
 * Whether a request comes from this machine itself, as far as can be seen: only then persons are named. A proxy or tunnel that ends here and adds none
 * of the fields looks the same.
 */
export function isOnThisMachine({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): boolean {
  return isLoopbackHost(socket.remoteAddress ?? '') && FORWARDING_FIELDS.every((name) => headers[name] === undefined);
}
