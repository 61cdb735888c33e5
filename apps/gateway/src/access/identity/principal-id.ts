import { hash } from 'node:crypto';
import { SIGN_IN_ISSUER, type IssuerConfig } from '../../config/sections/identity-section.ts';
import type { Principal } from './principal.ts';

const CLIENT = 'client';
/** Longer ids end in a digest: PostgreSQL refuses long keys of an index. */
const LONGEST_ID = 256;
/** Characters that an id with a digest begins with. */
const BEFORE_DIGEST = LONGEST_ID / 2;
const ENDS_IN_DIGEST = /#[\w-]{43}$/;
const DIGEST_LENGTH = 44;

/** The issuers of a configuration: what a text with a colon can begin with. */
export interface NamedIssuers {
  readonly issuers: readonly Pick<IssuerConfig, 'name'>[];
}

/**
 * A principal as the ledger and budgets know it: `client:NAME`, the bare subject of those who signed in here, else `ISSUER:SUBJECT`. A subject of sign-in with a colon
 * is `sign_in:SUBJECT`: names of issuers have no colon, and none is called `sign_in` or `client`, so that no two principals have one id. Every store takes it.
 */
export function principalId(principal: Principal): string {
  return storableId(wholeId(principal));
}

/** The principal of an id or of a budget's `user`, with no groups: they are not part of it. An id that ends in a digest does not give its subject. */
export function readPrincipalId(id: string): Principal {
  const colon = id.indexOf(':');
  if (colon === -1) return { kind: 'person', issuer: SIGN_IN_ISSUER, subject: id, groups: [] };
  const [issuer, rest] = [id.slice(0, colon), id.slice(colon + 1)];
  return issuer === CLIENT ? { kind: 'client', name: rest } : { kind: 'person', issuer, subject: rest, groups: [] };
}

/**
 * The id of a person as a configuration, an administrator or an earlier release writes it: `sign_in:alice` is `alice`, and what begins with no issuer is a subject of
 * sign-in, as URL and URN subjects are. An id that ends in a digest is one already.
 */
export function userIdOf(text: string, identity: NamedIssuers): string {
  if (text.length <= BEFORE_DIGEST + DIGEST_LENGTH && ENDS_IN_DIGEST.test(text)) return text;
  return principalId(namesIssuer(text, identity) ? readPrincipalId(text) : { kind: 'person', issuer: SIGN_IN_ISSUER, subject: text, groups: [] });
}

/** Whether a text begins with `sign_in:` or with the name of an issuer. */
export function namesIssuer(text: string, { issuers }: NamedIssuers): boolean {
  const colon = text.indexOf(':');
  const name = text.slice(0, Math.max(colon, 0));
  return name === SIGN_IN_ISSUER || issuers.some((issuer) => issuer.name === name);
}

function wholeId(principal: Principal): string {
  if (principal.kind === 'client') return `${CLIENT}:${principal.name}`;
  const { issuer, subject } = principal;
  return issuer === SIGN_IN_ISSUER && !subject.includes(':') ? subject : `${issuer}:${subject}`;
}

/** One that was shortened or lost characters has the digest of the whole, and so has one that looks like that: no subject can be chosen to be another's id. */
function storableId(id: string): string {
  if (id.length <= LONGEST_ID && id.isWellFormed() && !id.includes('\0') && !ENDS_IN_DIGEST.test(id)) return id;
  const start = id.slice(0, BEFORE_DIGEST).toWellFormed().replaceAll('\0', '\u{FFFD}');
  // As JSON, in which a lone surrogate is not the same as another one.
  return `${start}#${hash('sha256', JSON.stringify(id), 'base64url')}`;
}
