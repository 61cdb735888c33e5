// What the store knows of persons: the latest token of each, for as long as it is used.
import { openSqliteDatabase, type SqlDatabase } from '@penstock/claude-code-gateway/store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Person } from '../../src/access/identity/principal.ts';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import { MS_A_DAY, ORGANIZATION, userScope, utcDayOf, type LedgerEntry } from '../../src/ledger/ledger-entry.ts';
import { createLedgerStore, MOST_PRUNED_ROWS } from '../../src/ledger/ledger-store.ts';
import { PendingRows } from '../../src/ledger/pending-rows.ts';
import { createPersonNotes } from '../../src/ledger/persons/person-notes.ts';
import { PERSON_RETENTION_DAYS, readSeenPersons } from '../../src/ledger/persons/person-rows.ts';
import { madeEntry, NOON } from './made-entries.ts';

let database: SqlDatabase;
beforeEach(() => { database = openSqliteDatabase(':memory:'); });
afterEach(() => database.close());

const ofPerson = (name: string, groups: readonly string[], at = NOON): LedgerEntry =>
  madeEntry(1n, { principal: name, kind: 'person', scopes: [userScope(name), ORGANIZATION], at, seen: { name: `Ms ${name}`, groups } });

async function write(entries: readonly LedgerEntry[]): Promise<void> {
  const ledger = createLedger({ database, now: () => NOON });
  await ledger.ready();
  for (const entry of entries) ledger.record(entry);
  await ledger.close();
}

const stored = async (name: string): Promise<unknown> => (await readSeenPersons(database, [name])).get(name);

test('seen persons: the latest token counts, whichever process writes last, and names of groups may have any character', async () => {
  const strange = ['a\0b', '\uD800', '"],'];
  await write([ofPerson('a', ['old'], NOON - 2), ofPerson('a', strange), ofPerson('b', [])]);
  expect(await stored('a')).toEqual({ name: 'Ms a', groups: strange, seenAt: NOON });
  await write([ofPerson('a', ['late'], NOON - 1)]);
  expect(await stored('a')).toEqual({ name: 'Ms a', groups: strange, seenAt: NOON });
  await write([ofPerson('a', ['new'], NOON + 1)]);
  expect(await stored('a')).toEqual({ name: 'Ms a', groups: ['new'], seenAt: NOON + 1 });
  expect([...(await readSeenPersons(database, ['b', 'unknown-id'])).keys()]).toEqual(['b']);
});

test('seen persons: are found by any number of ids, and forgotten when they were not seen for 90 days, some at a time', async () => {
  const names = Array.from({ length: MOST_PRUNED_ROWS + 1 }, (_, index) => `p${index}`);
  const daysAgo = (days: number): number => Date.now() - days * MS_A_DAY;
  await write([...names.map((name) => ofPerson(name, ['g'], daysAgo(PERSON_RETENTION_DAYS + 2))), ofPerson('recent', ['g'], daysAgo(PERSON_RETENTION_DAYS - 1))]);
  const found = async (): Promise<number> => (await readSeenPersons(database, [...names, 'recent'])).size;
  expect(await found()).toBe(names.length + 1);
  const store = createLedgerStore(database, 'pruner');
  const today = utcDayOf(Date.now());
  expect([await store.prune(today), await found()]).toEqual([true, 2]);
  expect([await store.prune(today), await found()]).toEqual([false, 1]);
  expect(await stored('recent')).toMatchObject({ groups: ['g'] });
});

test('seen persons: a person is noted once for each of its tokens', () => {
  const noteOf = createPersonNotes();
  const person: Person = { kind: 'person', issuer: 'idp', subject: 'a', name: 'A\0', groups: ['g'] };
  expect([noteOf(person), noteOf(person), noteOf({ ...person }), noteOf(undefined)]).toEqual([{ name: 'A\u{FFFD}', groups: ['g'] }, undefined, { name: 'A\u{FFFD}', groups: ['g'] }, undefined]);
});

test('seen persons: an amount that has a row waits for the store also where the person has no place any more', () => {
  const pending = new PendingRows({ mostBatchRows: 1, mostPendingRows: 1 });
  const day = utcDayOf(NOON);
  expect(pending.add({ ...ofPerson('a', []), seen: undefined }, day)).toBe(true);
  expect([pending.add(ofPerson('a', ['g']), day), pending.add(ofPerson('b', ['g']), day)]).toEqual([true, false]);
  expect(pending.sum()).toEqual({ requests: 2, nanoDollars: 2n });
  expect([pending.batches, pending.take()?.persons.size]).toEqual([1, 0]);
});
