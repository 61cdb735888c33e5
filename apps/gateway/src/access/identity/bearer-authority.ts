import { Buffer } from 'node:buffer';
import { createClientRules, type ClientRules } from '../clients/client-rules.ts';
import type { AppliedPolicy, PolicyBook } from '../policies/policy-book.ts';
import type { BearerVerifier, TokenRefusal, VerifiedToken } from './bearer-verifier.ts';
import { principalKey, type Person } from './principal.ts';
import { createTokenCache, type TokenCacheOptions } from './token-cache.ts';

/** A person who may call, with what that person may do. */
export interface PersonAccess {
  readonly person: Person;
  /** `undefined` where no policy is for this person. */
  readonly rules: ClientRules | undefined;
  /** The key of the person's counters. */
  readonly counterKey: string;
}

/** What a bearer token is. `foreign`: no token of ours, nor one of an issuer that is configured. */
export type Identified = { readonly kind: 'person'; readonly access: PersonAccess } | { readonly kind: 'refused'; readonly reason: TokenRefusal; readonly person?: Person | undefined } | { readonly kind: 'foreign' };

/** Turns bearer tokens into persons. */
export interface BearerAuthority {
  /** At once for a token that was verified before, and for what is no token of a configured issuer. */
  identify(token: string, digest: string): Identified | Promise<Identified>;
  /** Tokens that are remembered. */
  readonly remembered: number;
}

/** What an authority is made of; a reload makes a new one, which remembers nothing. */
export interface BearerAuthorityOptions {
  readonly verifiers: readonly BearerVerifier[];
  readonly policies: PolicyBook;
  readonly cache?: TokenCacheOptions;
}

/** Longest token that is looked at; the header of a request is not much longer. */
const LONGEST_TOKEN = 16_384;
const COMPACT_JWS = /^([\w-]+)\.([\w-]+)\.[\w-]+$/;
const MANY_CALLERS = Number.POSITIVE_INFINITY;
/** Of one verification, while keys are withdrawn under it. */
const MOST_ATTEMPTS = 3;
const FOREIGN: Identified = Object.freeze({ kind: 'foreign' });
const NOT_MEANT: Identified = Object.freeze({ kind: 'refused', reason: 'token_audience' });

interface Remembered {
  readonly identified: Identified;
  readonly verifier: BearerVerifier;
  readonly token: VerifiedToken;
}

/** Makes an authority of the verifiers and policies of one configuration. */
export function createBearerAuthority({ verifiers, policies, cache: bounds }: BearerAuthorityOptions): BearerAuthority {
  const cache = createTokenCache<Remembered>(bounds);
  const underWay = new Map<string, Promise<Identified>>();
  // One for each policy and not for each person.
  const rulesOf = new Map<AppliedPolicy, ClientRules>(policies.applied.map((policy) => [policy, createClientRules(policy, MANY_CALLERS)]));

  function accessOf(person: Person): PersonAccess {
    const policy = policies.decide(person);
    return { person, rules: policy === undefined ? undefined : rulesOf.get(policy), counterKey: principalKey(person) };
  }

  async function verify(token: string, digest: string, verifier: BearerVerifier): Promise<Identified> {
    try {
      for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
        const verification = await verifier.verify(token);
        if (!verification.ok) return { kind: 'refused', reason: verification.reason, person: verification.person };
        // A key that was withdrawn meanwhile may be any of the issuer's.
        if (!verifier.isCurrent(verification.token)) continue;
        const identified: Identified = { kind: 'person', access: accessOf(verification.token.person) };
        cache.set(digest, { identified, verifier, token: verification.token }, verification.token.expiresAt);
        return identified;
      }
      return { kind: 'refused', reason: 'token_revoked' };
    } finally {
      underWay.delete(digest);
    }
  }

  return {
    identify(token, digest) {
      const known = cache.get(digest);
      if (known !== undefined) {
        if (known.verifier.isCurrent(known.token)) return known.identified;
        cache.delete(digest);
      }
      const verifier = selectVerifier(token, verifiers);
      if (verifier === undefined) return FOREIGN;
      if (verifier === 'token_audience') return NOT_MEANT;
      const begun = underWay.get(digest);
      if (begun !== undefined) return begun;
      const verification = verify(token, digest, verifier);
      underWay.set(digest, verification);
      return verification;
    },
    get remembered() {
      return cache.size;
    },
  };
}

/** The one verifier that a token names by its issuer and audience, unverified as both are; `undefined` for an issuer that is not known. Among several of one issuer none may be taken by chance. */
function selectVerifier(token: string, verifiers: readonly BearerVerifier[]): BearerVerifier | 'token_audience' | undefined {
  const payload = token.length > LONGEST_TOKEN ? undefined : COMPACT_JWS.exec(token)?.[2];
  if (payload === undefined) return undefined;
  const { iss, aud } = parsePayload(payload);
  const audiences = (Array.isArray(aud) ? aud : [aud]).filter((one): one is string => typeof one === 'string');
  const ofIssuer = verifiers.filter(({ issuer }) => issuer === iss);
  if (ofIssuer.length < 2) return ofIssuer[0];
  const meant = ofIssuer.filter((verifier) => verifier.acceptsAudience(audiences));
  return meant.length > 1 ? 'token_audience' : meant[0] ?? 'token_audience';
}

function parsePayload(text: string): { readonly iss?: unknown; readonly aud?: unknown } {
  try {
    const payload = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown;
    return typeof payload === 'object' && payload !== null ? payload : {};
  } catch {
    return {};
  }
}
