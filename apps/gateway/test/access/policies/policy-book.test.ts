import { describe, expect, test } from 'vitest';
import type { Person } from '../../../src/access/identity/principal.ts';
import { createPolicyBook, type PolicyBook } from '../../../src/access/policies/policy-book.ts';
import { policiesSection } from '../../../src/config/sections/policies-section.ts';

const book = (...policies: readonly object[]): PolicyBook => createPolicyBook(policiesSection.parse(policies));
const person = (changes: Partial<Person> = {}): Person => ({ kind: 'person', issuer: 'sign_in', subject: 'u1', groups: [], ...changes });
const nameOf = (policies: PolicyBook, who: Person): string | undefined => policies.decide(who)?.name;
const ALICE = person({ email: 'Alice@Example.com', groups: ['engineering'] });

describe('a policy matches', () => {
  test.each<[match: object, who: Person, matches: boolean]>([
    [{ groups: ['engineering', 'other'] }, ALICE, true],
    [{ groups: ['Engineering'] }, ALICE, false],
    [{ groups: ['engineer'] }, ALICE, false],
    [{ email_domain: 'EXAMPLE.com' }, ALICE, true],
    [{ email_domain: 'example.com' }, person({ email: 'a@sub.example.com' }), false],
    [{ email_domain: 'example.com' }, person({ email: 'a@notexample.com' }), false],
    [{ email_domain: 'example.com' }, person(), false],
    [{ email_domain: 'example.com' }, person({ email: 'a@evil.example@example.com' }), true],
    [{ users: ['alice@EXAMPLE.com'] }, ALICE, true],
    [{ users: ['alice@example.com'] }, person({ subject: 'alice@example.com' }), false],
    [{ users: ['u1'] }, ALICE, true],
    [{ users: ['U1'] }, ALICE, false],
    [{ users: ['sign_in:u1'] }, ALICE, false],
    [{ users: ['client:u1'] }, person({ subject: 'client:u1' }), true],
    [{ groups: ['engineering'], email_domain: 'other.example' }, ALICE, false],
    [{ groups: ['engineering'], email_domain: 'example.com', users: ['u1'] }, ALICE, true],
    [{ groups: ['engineering'] }, person({ issuer: 'ci', groups: ['engineering'] }), false],
    [{ issuer: 'ci', groups: ['engineering'] }, person({ issuer: 'ci', groups: ['engineering'] }), true],
    [{ issuer: 'ci' }, person({ issuer: 'ci' }), true],
    [{ issuer: 'ci' }, ALICE, false],
    [{ issuer: 'ci', users: ['ci:u1'] }, person({ issuer: 'ci' }), true],
    [{ issuer: 'ci', users: ['u1'] }, person({ issuer: 'ci' }), false],
    [{ users: ['ci:u1'] }, person({ subject: 'ci:u1' }), true],
    [{ users: ['ci:u1'] }, person({ issuer: 'ci' }), false],
  ])('%j for %j: %s', (match, who, matches) => {
    expect(nameOf(book({ name: 'p', match }), who)).toBe(matches ? 'p' : undefined);
  });

  test('first in the order of the file, wherever the base stands', () => {
    const base = { name: 'base', match: {} };
    const [first, second] = [{ name: 'first', match: { groups: ['engineering'] } }, { name: 'second', match: { email_domain: 'example.com' } }];
    for (const policies of [[base, first, second], [first, base, second], [first, second, base]]) expect(nameOf(book(...policies), ALICE)).toBe('first');
    expect(nameOf(book(base, second, first), ALICE)).toBe('second');
    expect(nameOf(book(base, first), person({ issuer: 'ci' }))).toBe('base');
    expect(nameOf(book(first), person())).toBeUndefined();
    expect(nameOf(book(), ALICE)).toBeUndefined();
  });
});

describe('a policy is laid over the base', () => {
  const base = { name: 'base', match: {}, models: ['claude-haiku-*'], routes: ['messages'], limits: { concurrent_requests: 2, requests_per_minute: 10 } };

  test('models and routes replace, limits add up key by key', () => {
    const policies = book(base, { name: 'p', match: { groups: ['engineering'] }, models: ['*'], limits: { requests_per_minute: 99, output_tokens_per_minute: 5 } });
    expect(policies.decide(ALICE)).toMatchObject({ models: ['*'], routes: ['messages'], limits: { concurrent_requests: 2, requests_per_minute: 99, output_tokens_per_minute: 5 } });
    expect(policies.decide(person())).toMatchObject({ name: 'base', models: ['claude-haiku-*'], limits: { concurrent_requests: 2, requests_per_minute: 10 } });
  });

  test('a client has none unless it names one, and its own members replace that one\'s', () => {
    const policies = book(base, { name: 'p', match: { groups: ['x'] }, routes: ['messages', 'files'], limits: { requests_per_minute: 99 } });
    const client = { name: 'ci', key_sha256: 'a'.repeat(64) };
    expect(policies.forClient(client)).toBe(client);
    expect(policies.forClient({ ...client, policy: 'p' })).toMatchObject({ name: 'ci', models: ['claude-haiku-*'], routes: ['messages', 'files'], limits: { concurrent_requests: 2, requests_per_minute: 99 } });
    expect(policies.forClient({ ...client, policy: 'p', models: ['m'], routes: ['models'], limits: { requests_per_minute: 1 } }))
      .toMatchObject({ models: ['m'], routes: ['models'], limits: { concurrent_requests: 2, requests_per_minute: 1 } });
  });
});

test('policies know the groups that they name, and say why one does not match', () => {
  const policies = book({ name: 'a', match: { groups: ['g1'], email_domain: 'other.example' } }, { name: 'base', match: {} }, { name: 'b', match: { groups: ['g2', 'engineering'] } });
  expect(policies.groups).toEqual(new Set(['g1', 'g2', 'engineering']));
  expect(policies.explain(ALICE)).toEqual([{ policy: 'a', matches: false, fails: ['groups', 'email_domain'] }, { policy: 'b', matches: true, fails: [] }]);
});
