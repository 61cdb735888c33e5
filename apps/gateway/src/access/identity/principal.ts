import { hash } from 'node:crypto';
import { SIGN_IN_ISSUER } from '../../config/sections/identity-section.ts';

/** A configured client, known by its key. */
export interface ClientPrincipal {
  readonly kind: 'client';
  readonly name: string;
}

/** A person or workload, known by a signed token. The triple of kind, issuer and subject identifies; nothing else does. */
export interface Person {
  readonly kind: 'person';
  /** The configured name of the issuer; `sign_in` for those who signed in at the gateway. */
  readonly issuer: string;
  /** Unique at that issuer, and there only. */
  readonly subject: string;
  /** Verified by an issuer whose claims name it; it shows and matches, and never identifies. */
  readonly email?: string | undefined;
  /** For people to read. */
  readonly name?: string | undefined;
  /** Those groups of the token that the configuration names. */
  readonly groups: readonly string[];
  /** The sign-in that a token of our own belongs to (`sid`): what a revocation ends. */
  readonly signInId?: string | undefined;
}

/** Who calls. */
export type Principal = ClientPrincipal | Person;

/** A principal as text, for policies, logs and reports: `client:NAME`, the bare subject of our own sign-in, else `ISSUER:SUBJECT`. Never a key: two principals may have one text; `principalId` is one. */
export function principalText(principal: Principal): string {
  if (principal.kind === 'client') return `client:${principal.name}`;
  return principal.issuer === SIGN_IN_ISSUER ? principal.subject : `${principal.issuer}:${principal.subject}`;
}

/**
 * The key of a principal's counters: a client's name as it is, and for a person a digest of the triple, so that no two share one, none is
 * longer than another, and no store shows who called. A client's name holds no colon.
 */
export function principalKey(principal: Principal): string {
  if (principal.kind === 'client') return principal.name;
  return `person:${hash('sha256', JSON.stringify([principal.kind, principal.issuer, principal.subject]), 'base64url')}`;
}
