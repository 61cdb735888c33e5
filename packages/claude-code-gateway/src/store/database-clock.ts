import type { SqlRow } from './sql-database.ts';

/** A column `clock` with the database's time, in a form that SQLite and PostgreSQL share: `2026-11-29 23:06:56`, with PostgreSQL also fractions and an offset. */
export const CLOCK_COLUMN = 'CAST(CURRENT_TIMESTAMP AS TEXT) AS clock';

const CLOCK = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{1,6})?(?:([+-]\d\d)(?::?(\d\d))?)?/;

/** The database's time in a row that has `CLOCK_COLUMN`, in milliseconds since 1970, whatever the time zone of its session. `NaN` where it is in another form. */
export function readClock(row: SqlRow | undefined): number {
  const [, date, time, fraction = '', hours = '+00', minutes = '00'] = CLOCK.exec(String(row?.['clock'])) ?? [];
  return date === undefined ? Number.NaN : Date.parse(`${date}T${time}${fraction.slice(0, 4)}${hours}:${minutes}`);
}

/** The same, and the time of this process where a database prints its time in another form: processes whose own clocks differ decide alike by it. */
export function clockOf(row: SqlRow | undefined): number {
  const clock = readClock(row);
  return Number.isNaN(clock) ? Date.now() : clock;
}
