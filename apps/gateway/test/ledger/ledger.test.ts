import { describe, expect, test, vi } from 'vitest';
import { clientScope, groupScope, ORGANIZATION, spendScopesOf, storableName, userScope, utcDayOf, type LedgerEntry } from '../../src/ledger/ledger-entry.ts';
import { createLedger, MOST_UNSETTLED } from '../../src/ledger/create-ledger.ts';
import { SpendTotals } from '../../src/ledger/spend-totals.ts';
import { madeEntry, NOON } from './made-entries.ts';

const TODAY = utcDayOf(NOON);
const DAY_MS = 86_400_000;
const ALICE = clientScope('alice');

describe('ledger in memory', () => {
  test('an entry counts under each of its scopes at once, on the UTC day of its settlement', () => {
    const ledger = createLedger({ now: () => NOON });
    ledger.record(madeEntry(5n));
    ledger.record(madeEntry(7n, { at: NOON - DAY_MS }));
    ledger.record(madeEntry(11n, { client: 'bob' }));
    expect(ledger.spentOn(ALICE, TODAY)).toBe(5n);
    expect(ledger.spentOn(ALICE, TODAY - 1)).toBe(12n);
    expect(ledger.spentOn(ORGANIZATION, TODAY)).toBe(16n);
    expect(ledger.spentOn(clientScope('carol'), TODAY - 30)).toBe(0n);
    expect(ledger.state()).toBe('ok');
  });

  test('the last millisecond of a day and the first of the next one are two days, over a leap day too', () => {
    const midnight = Date.UTC(2028, 2, 1);
    const ledger = createLedger({ now: () => midnight });
    ledger.record(madeEntry(1n, { at: midnight - 1 }));
    ledger.record(madeEntry(2n, { at: midnight }));
    expect(new Date(midnight - 1).toISOString()).toBe('2028-02-29T23:59:59.999Z');
    expect(ledger.spentOn(ALICE, utcDayOf(midnight))).toBe(2n);
    expect(ledger.spentOn(ALICE, utcDayOf(midnight) - 1)).toBe(3n);
  });

  test('listeners get the change of each scope, until they are removed, and none where it is the first of a day', () => {
    const ledger = createLedger({ now: () => NOON });
    const seen: unknown[] = [];
    const remove = ledger.onSpend((...change) => { seen.push(change); });
    ledger.record(madeEntry(5n));
    ledger.record(madeEntry(2n));
    remove();
    ledger.record(madeEntry(1n));
    expect(seen).toEqual([[ALICE, TODAY, undefined], [ORGANIZATION, TODAY, undefined], [ALICE, TODAY, 2], [ORGANIZATION, TODAY, 2]]);
  });

  test('what is recorded later is made when an amount is read, or with the 64th, and one that cannot be made loses no other', () => {
    const onEntryFailure = vi.fn();
    const ledger = createLedger({ now: () => NOON, onEntryFailure });
    const heard = vi.fn();
    ledger.onSpend(heard);
    let made = 0;
    const later = (nanoDollars: bigint) => (): readonly LedgerEntry[] => {
      made += 1;
      return [madeEntry(nanoDollars)];
    };
    ledger.recordLater(3, later(3n));
    ledger.recordLater(9, () => { throw new Error('no entry'); });
    ledger.record(madeEntry(-4n, { requests: 0 }));
    expect([made, heard.mock.calls.length, ledger.unsettled()]).toEqual([0, 0, 16]);
    expect(ledger.spentOn(ALICE, TODAY)).toBe(-1n);
    expect([made, heard.mock.calls.length, ledger.unsettled(), onEntryFailure.mock.calls]).toEqual([1, 4, 0, [[new Error('no entry')]]]);
    for (let count = 1; count < MOST_UNSETTLED; count += 1) ledger.recordLater(1, later(1n));
    expect([made, ledger.unsettled()]).toEqual([1, MOST_UNSETTLED - 1]);
    ledger.recordLater(1, later(1n));
    expect([made, ledger.unsettled(), ledger.spentOn(ORGANIZATION, TODAY)]).toEqual([1 + MOST_UNSETTLED, 0, BigInt(MOST_UNSETTLED - 1)]);
  });

  test('a correction lowers the amount of its day', () => {
    const ledger = createLedger({ now: () => NOON });
    ledger.record(madeEntry(50n));
    ledger.record(madeEntry(-20n, { requests: 0 }));
    expect(ledger.spentOn(ALICE, TODAY)).toBe(30n);
  });

  test('days that are not held are not counted, and take the place of no day that is', () => {
    let now = NOON;
    const ledger = createLedger({ now: () => now });
    ledger.record(madeEntry(1n));
    ledger.record(madeEntry(2n, { at: NOON - 48 * DAY_MS }));
    ledger.record(madeEntry(4n, { at: NOON + 3_650 * DAY_MS }));
    expect(ledger.spentOn(ALICE, 0)).toBe(1n);
    now += 48 * DAY_MS;
    ledger.record(madeEntry(8n, { at: now }));
    expect(ledger.spentOn(ALICE, 0)).toBe(8n);
  });

  test('the sum of a million entries is the sum of the parts', () => {
    const ledger = createLedger({ now: () => NOON });
    let sum = 0n;
    for (let count = 0; count < 1_000_000; count += 1) {
      const nanoDollars = BigInt(count) * 7_919n + 1n;
      sum += nanoDollars;
      ledger.record(madeEntry(nanoDollars, { client: `c${count % 7}` }));
    }
    const parts = Array.from({ length: 7 }, (_, index) => ledger.spentOn(clientScope(`c${index}`), TODAY));
    expect(parts.reduce((total, part) => total + part, 0n)).toBe(sum);
    expect(ledger.spentOn(ORGANIZATION, TODAY)).toBe(sum);
    expect(sum).toBeGreaterThan(2n ** 51n);
  });
});

describe('spend totals', () => {
  test('one scope has one row of 384 bytes, whatever it spends on however many days', () => {
    const totals = new SpendTotals();
    for (let scope = 0; scope < 50_000; scope += 1) totals.set(clientScope(`c${scope}`), TODAY - (scope % 40), 1n);
    for (let day = TODAY - 40; day <= TODAY; day += 1) totals.set(ALICE, day, 2n ** 62n);
    expect(totals.size).toBe(50_001);
    expect(totals.byteLength).toBe(Math.ceil(50_001 / 1_024) * 1_024 * 384);
    expect(totals.byteLength).toBeLessThan(20_000_000);
  });

  test('beyond the bound the person that was used least recently is forgotten, and its row begins anew', () => {
    const totals = new SpendTotals({ mostScopes: 2 });
    totals.set(userScope('a'), TODAY, 1n);
    totals.set(userScope('b'), TODAY - 1, 2n);
    expect(totals.sum(userScope('a'), 0, TODAY)).toBe(1n);
    totals.set(userScope('c'), TODAY - 2, 3n);
    expect([totals.mayHaveForgotten(userScope('b')), totals.mayHaveForgotten(userScope('a'))]).toEqual([true, false]);
    expect(['a', 'b', 'c'].map((name) => totals.sum(userScope(name), 0, TODAY))).toEqual([1n, 0n, 3n]);
    expect([totals.size, totals.byteLength]).toEqual([2, 1_024 * 384]);
  });

  test('the organization, groups and clients are never forgotten, however many persons there are', () => {
    const totals = new SpendTotals({ mostScopes: 2 });
    const kept = [ORGANIZATION, groupScope('eng'), ALICE];
    for (const scope of kept) totals.set(scope, TODAY, 7n);
    for (let person = 0; person < 100; person += 1) totals.set(userScope(`p${person}`), TODAY, 1n);
    expect(kept.map((scope) => [totals.sum(scope, 0, TODAY), totals.mayHaveForgotten(scope)])).toEqual(kept.map(() => [7n, false]));
    expect(totals.size).toBe(5);
  });

  test('amounts beyond 2^53 are exact, whether they are added or set, and are gone with their day and their person', () => {
    const totals = new SpendTotals({ mostScopes: 1 });
    const [person, other] = [userScope('a'), userScope('b')];
    totals.set(person, TODAY, 2n ** 53n - 1n);
    for (let count = 0; count < 3; count += 1) expect(totals.add(person, TODAY, 1)).toBe(true);
    totals.set(person, TODAY - 1, -(2n ** 60n) - 1n);
    expect([totals.of(person, TODAY), totals.sum(person, TODAY - 1, TODAY)]).toEqual([2n ** 53n + 2n, 2n ** 53n + 1n - 2n ** 60n]);
    totals.add(person, TODAY, -5);
    expect(totals.of(person, TODAY)).toBe(2n ** 53n - 3n);
    expect(totals.add(person, TODAY, 1)).toBe(true);
    expect(totals.of(person, TODAY)).toBe(2n ** 53n - 2n);
    totals.set(person, TODAY, 2n ** 60n);
    expect(totals.add(person, TODAY + 48, 4)).toBe(false);
    expect([totals.of(person, TODAY), totals.of(person, TODAY + 48)]).toEqual([0n, 4n]);
    expect(totals.add(other, TODAY - 1, 3)).toBe(false);
    expect([totals.of(other, TODAY - 1), totals.of(person, TODAY - 1)]).toEqual([3n, 0n]);
  });

  test('an amount beyond 64 bits stays at the largest, and does not become negative', () => {
    const totals = new SpendTotals();
    totals.set(ALICE, TODAY, 2n ** 70n);
    expect(totals.of(ALICE, TODAY)).toBe(2n ** 63n - 1n);
  });
});

describe('scopes', () => {
  test('a person counts under itself, each group once, and the organization', () => {
    expect(spendScopesOf({ kind: 'person', issuer: 'sign_in', subject: 'u1', groups: ['eng', 'ops', 'eng'] })).toEqual(['user:u1', 'group:eng', 'group:ops', 'organization']);
    expect(spendScopesOf({ kind: 'person', issuer: 'github', subject: 'repo', groups: [] })).toEqual(['user:github:repo', 'organization']);
    expect(spendScopesOf({ kind: 'client', name: 'alice' })).toEqual(['client:alice', 'organization']);
  });

  test('names that a store refuses become names that it takes, and two stay two', () => {
    expect(storableName('a\0b')).toBe('a\u{FFFD}b');
    expect(storableName('a\ud800')).toBe('a\u{FFFD}');
    const long = ['x', 'y'].map((end) => storableName('n'.repeat(10_000) + end));
    expect(long[0]).not.toBe(long[1]);
    expect(long.map(({ length }) => length < 200)).toEqual([true, true]);
  });
});
