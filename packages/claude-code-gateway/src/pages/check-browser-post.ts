import { Buffer } from 'node:buffer';
import { timingSafeEqual } from 'node:crypto';
import { headerOf, readForm, type ProtocolRequest } from '../protocol-messages.ts';
import type { BrowserSession } from './browser-session.ts';

/**
 * The form of a page of ours, posted from that page: `Origin` is the public URL or the browser itself marks the request as of the same origin, and the
 * form repeats the value that is bound to the cookie. `undefined` for every other request, forged or not.
 */
export function readOwnForm(request: ProtocolRequest, session: BrowserSession | undefined, publicUrl: string): ReadonlyMap<string, string> | undefined {
  const origin = headerOf(request, 'origin');
  const site = headerOf(request, 'sec-fetch-site');
  // A foreign Origin is never outweighed by the other field.
  const isSameOrigin = origin === undefined ? site === 'same-origin' : origin === publicUrl || (origin === 'null' && site === 'same-origin');
  if (!isSameOrigin || session === undefined) return undefined;
  const form = readForm(request);
  return form !== undefined && isEqualSecret(form.get('csrf') ?? '', session.csrf) ? form : undefined;
}

/** Compares in a time that does not depend on the values. */
function isEqualSecret(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}
