import { openSqliteDatabase } from '@penstock/claude-code-gateway/store';
import { expect, test } from 'vitest';
import { CLOCK, startOfDatabaseDay } from '../../src/state/database-clock.ts';

test.each([
  ['in UTC', '2026-11-29 23:06:56', '2026-11-29'],
  ['in UTC with an offset', '2026-11-29 23:06:56.123456+00', '2026-11-29'],
  ['east of it, where the next day has begun', '2026-11-30 04:36:56.1+05:30', '2026-11-29'],
  ['west of it, where the day before still is', '2026-11-28 23:06:56.123-08', '2026-11-29'],
])('the day of a database whose session is %s: is that in UTC', (_where, clock, day) => {
  expect(new Date(startOfDatabaseDay([{ clock }])).toISOString()).toBe(`${day}T00:00:00.000Z`);
});

test('the day of a database whose clock cannot be read: is none', () => {
  expect([startOfDatabaseDay(undefined), startOfDatabaseDay([]), startOfDatabaseDay([{ clock: 'Sun Nov 29' }])]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
});

test('the day of SQLite: is the one in which it is asked', async () => {
  await using stack = new AsyncDisposableStack();
  const database = openSqliteDatabase(':memory:');
  stack.defer(() => database.close());
  const dayOf = (at: number): number => Date.parse(new Date(at).toISOString().slice(0, '2026-11-29'.length));
  const before = dayOf(Date.now());
  const [rows] = await database.run([CLOCK]);
  expect([before, dayOf(Date.now())]).toContain(startOfDatabaseDay(rows));
});
