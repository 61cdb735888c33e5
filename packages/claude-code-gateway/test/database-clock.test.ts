import { expect, test } from 'vitest';
import { openSqliteDatabase } from '../src/index.ts';
import { clockOf } from '../src/store/database-clock.ts';
import { createSignInStore } from '../src/store/create-sign-in-store.ts';

test.each([
  ['2026-11-29 23:06:56', '2026-11-29T23:06:56.000Z'],
  ['2026-11-29 23:06:56.123456+00', '2026-11-29T23:06:56.123Z'],
  ['2026-11-29 23:06:56.1+05:30', '2026-11-29T17:36:56.100Z'],
  ['2026-11-29 23:06:56.123-08', '2026-11-30T07:06:56.123Z'],
])('the clock of a database that prints %s: is %s', (clock, expected) => {
  expect(new Date(clockOf({ clock })).toISOString()).toBe(expected);
});

test('the clock of SQLite: is the time in UTC', async () => {
  await using stack = new AsyncDisposableStack();
  const database = openSqliteDatabase(':memory:');
  stack.defer(() => database.close());
  const before = Math.floor(Date.now() / 1000) * 1000;
  const clock = await createSignInStore(database).clock();
  expect(clock).toBeGreaterThanOrEqual(before);
  expect(clock).toBeLessThanOrEqual(Date.now());
});
