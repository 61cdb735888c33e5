import { createSecret, digestOf } from '../digest.ts';
import type { AuthorizationChecks } from '../provider/identity-provider.ts';
import { headerOf, type ProtocolRequest } from '../protocol-messages.ts';
import { seal, unseal } from '../sealed-values.ts';
import type { SignInParts } from '../sign-in-parts.ts';

/** What one browser carries from page to page, sealed in a cookie. */
export interface BrowserSession {
  /** Names the browser; its digest is stored with the grant. */
  readonly id: string;
  /** The value that every form must repeat. */
  readonly csrf: string;
  /** The grant whose code was typed here. */
  readonly deviceDigest?: string;
  /** Present between the code and the callback. */
  readonly checks?: AuthorizationChecks;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Reads and writes the cookie of a browser. */
export interface BrowserSessions {
  /** The session of a request; `undefined` without a cookie, for one that is not ours, and for one that is over. */
  read(request: ProtocolRequest): Promise<BrowserSession | undefined>;
  create(): BrowserSession;
  /** The header fields that set the cookie. */
  write(session: BrowserSession): Promise<readonly string[]>;
  /** The header fields that delete it. */
  readonly clear: readonly string[];
}

const LONGEST_COOKIE = 4_096;

/** Names a browser in the store. */
export function browserOf({ id }: BrowserSession): string {
  return digestOf(id);
}

/**
 * The cookie is `HttpOnly`, and `Lax` because the provider sends the browser back from its own site. Over TLS it has the prefix `__Host-`, so that no
 * neighbour domain can set it (RFC 6265bis section 4.1.3.2).
 */
export function createBrowserSessions({ keys, addresses, limits, now }: Pick<SignInParts, 'keys' | 'addresses' | 'limits' | 'now'>): BrowserSessions {
  const isSecure = addresses.publicUrl.startsWith('https:');
  const name = isSecure ? '__Host-penstock-sign-in' : 'penstock-sign-in';
  const attributes = `; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
  return {
    async read(request) {
      const cookie = (headerOf(request, 'cookie') ?? '').split(';').map((pair) => pair.trim()).find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
      if (cookie === undefined || cookie.length > LONGEST_COOKIE) return undefined;
      const opened = await unseal(keys, 'browser', cookie);
      if (opened === undefined) return undefined;
      const session = JSON.parse(opened) as BrowserSession;
      return session.expiresAt > now() ? session : undefined;
    },
    create: () => ({ id: createSecret(), csrf: createSecret(), expiresAt: now() + limits.grantTtlSeconds * 1000 }),
    async write(session) {
      return ['set-cookie', `${name}=${await seal(keys, 'browser', JSON.stringify(session))}; Max-Age=${limits.grantTtlSeconds}${attributes}`];
    },
    clear: ['set-cookie', `${name}=; Max-Age=0${attributes}`],
  };
}
