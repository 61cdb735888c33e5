import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/access/clients/find-client.ts';
import { createBearerAuthority, type BearerAuthority, type Identified } from '../../../src/access/identity/bearer-authority.ts';
import type { BearerVerifier, Verification } from '../../../src/access/identity/bearer-verifier.ts';
import { createPolicyBook } from '../../../src/access/policies/policy-book.ts';

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (claims: object): string => `${encode({ alg: 'ES256' })}.${encode({ iss: 'https://idp.example', aud: 'a', ...claims })}.AAAA`;

/** A verifier that trusts what it reads, and counts. */
class Trusting implements BearerVerifier {
  readonly name = 'idp';
  readonly issuer = 'https://idp.example';
  readonly audience: string;
  verified = 0;
  isCurrentNow = true;

  constructor(audience = 'a') {
    this.audience = audience;
  }

  acceptsAudience(audiences: readonly string[]): boolean {
    return audiences.includes(this.audience);
  }

  async verify(token: string): Promise<Verification> {
    this.verified += 1;
    await Promise.resolve();
    const { sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string };
    return { ok: true, token: { person: { kind: 'person', issuer: this.name, subject: sub, groups: [] }, expiresAt: Date.now() / 1_000 + 600, proof: '' } };
  }

  isCurrent(): boolean {
    return this.isCurrentNow;
  }
}

const POLICIES = createPolicyBook([{ name: 'rest', match: {} }]);
const open = (...verifiers: readonly BearerVerifier[]): BearerAuthority => createBearerAuthority({ verifiers, policies: POLICIES });
const identify = async (authority: BearerAuthority, claims: object): Promise<Identified> => {
  const token = tokenOf(claims);
  return authority.identify(token, digestOf(token));
};

describe('a bearer', () => {
  test('is verified once by all requests that bring it at once, and not again while it is remembered', async () => {
    const verifier = new Trusting();
    const authority = open(verifier);
    const all = await Promise.all(Array.from({ length: 50 }, () => identify(authority, { sub: 'alice' })));
    expect(new Set(all).size).toBe(1);
    await identify(authority, { sub: 'alice' });
    expect(verifier.verified).toBe(1);
  });

  test('is verified again once its verifier has withdrawn what it was verified by, and refused where that never ends', async () => {
    const verifier = new Trusting();
    const authority = open(verifier);
    await identify(authority, { sub: 'alice' });
    verifier.isCurrentNow = false;
    expect(await identify(authority, { sub: 'alice' })).toEqual({ kind: 'refused', reason: 'token_revoked' });
    expect(authority.remembered).toBe(0);
    verifier.isCurrentNow = true;
    expect(await identify(authority, { sub: 'alice' })).toMatchObject({ kind: 'person' });
  });

  test('goes to the one verifier of its issuer and audience; one for two of them, or for neither, to none', async () => {
    const [one, other] = [new Trusting('a'), new Trusting('b')];
    const authority = open(one, other);
    await identify(authority, { sub: 'alice', aud: ['x', 'b'] });
    expect([one.verified, other.verified]).toEqual([0, 1]);
    expect(await identify(authority, { sub: 'alice', aud: ['a', 'b'] })).toEqual({ kind: 'refused', reason: 'token_audience' });
    expect(await identify(authority, { sub: 'alice', aud: 'c' })).toEqual({ kind: 'refused', reason: 'token_audience' });
    expect([one.verified, other.verified]).toEqual([0, 1]);
  });

  test('of each of 30,000 people is remembered for 20,000 of them, with one set of rules for all', async () => {
    const authority = open(new Trusting());
    const rules = new Set<unknown>();
    for (let index = 0; index < 30_000; index += 1) {
      const identified = await identify(authority, { sub: `person-${index}` });
      if (identified.kind === 'person') rules.add(identified.access.rules);
    }
    expect([authority.remembered, rules.size]).toEqual([20_000, 1]);
  });
});
