import type { JWTPayload } from 'jose';
import { matchesGlob } from '../clients/matches-glob.ts';
import type { IssuerConfig } from '../../config/sections/identity-section.ts';
import type { TokenRefusal } from './bearer-verifier.ts';
import type { Person } from './principal.ts';

/** Longest subject, e-mail or name that is believed. */
const LONGEST_TEXT = 1_024;
const EMAIL = /^[^\s@]+@[^\s@]+$/;

/** Where claims are found, and which count. */
export type ClaimRules = Pick<IssuerConfig, 'name' | 'claims' | 'trust_unverified_email'>;

/** The person of a token that was verified, or why there is none. Of its groups those remain that the configuration names. */
export function readPerson(payload: JWTPayload, { name: issuer, claims, trust_unverified_email: trustsUnverified }: ClaimRules, namedGroups: Pick<ReadonlySet<string>, 'has'>): Person | TokenRefusal {
  const subject = textOf(payload[claims.subject]);
  if (subject === undefined) return 'token_claims';
  const groups = claims.groups === undefined ? [] : readGroups(payload, claims.groups);
  if (groups === undefined) return 'token_groups';
  return {
    kind: 'person', issuer, subject,
    email: claims.email === undefined ? undefined : readEmail(payload, claims.email, trustsUnverified),
    name: textOf(payload['name']),
    groups: groups.filter((group) => namedGroups.has(group)),
  };
}

/** Whether every required claim has a value that one of its patterns covers; of a list, one element. */
export function meetsRequirements(payload: JWTPayload, requirements: IssuerConfig['require']): boolean {
  return Object.entries(requirements).every(([claim, patterns]) => {
    const value = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
    const texts = (Array.isArray(value) ? value : [value]).flatMap((item: unknown) => (typeof item === 'string' || typeof item === 'boolean' || typeof item === 'number' ? [String(item)] : []));
    return texts.some((text) => patterns.some((pattern) => matchesGlob(pattern, text)));
  });
}

/** An address counts when the issuer verified it (OpenID Connect Core 1.0 section 5.1); some write the flag as a text. */
function readEmail(payload: JWTPayload, claim: string, trustsUnverified: boolean): string | undefined {
  const email = textOf(payload[claim]);
  const verified = payload['email_verified'];
  const counts = verified === true || verified === 'true' || (verified === undefined && trustsUnverified);
  return email !== undefined && counts && EMAIL.test(email) ? email : undefined;
}

/**
 * The groups of a token; `undefined` where it has too many to carry them (Entra then names a place to ask at instead, by `_claim_names` or
 * `hasgroups`) or where they cannot be read: without its groups a person might match a policy that is more open.
 */
function readGroups(payload: JWTPayload, claim: string): readonly string[] | undefined {
  const value = payload[claim] ?? followPath(payload, claim);
  const elsewhere = payload['_claim_names'];
  const isElsewhere = (typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, claim)) || payload['hasgroups'] === true || payload['hasgroups'] === 'true';
  if (value === undefined) return isElsewhere ? undefined : [];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) && value.every((item): item is string => typeof item === 'string') ? value : undefined;
}

/** What stands at a path such as `realm_access.roles`. */
function followPath(payload: JWTPayload, path: string): unknown {
  return path.split('.').reduce<unknown>((from, member) => (typeof from === 'object' && from !== null && Object.hasOwn(from, member) ? (from as JWTPayload)[member] : undefined), payload);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_TEXT ? value : undefined;
}
