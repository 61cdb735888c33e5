import { utcDayOf } from '../ledger-entry.ts';

/** By what a report adds up. */
export const USAGE_KEYS = ['client', 'person', 'group', 'model', 'day'] as const;

/** One of `USAGE_KEYS`. */
export type UsageKey = (typeof USAGE_KEYS)[number];

/** What a report is about: UTC days since 1970-01-01, both included. */
export interface UsageQuery {
  readonly by: UsageKey;
  readonly sinceDay: number;
  readonly untilDay: number;
}

const PARAMETERS: ReadonlySet<string> = new Set(['by', 'since', 'until']);
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DAYS = /^(\d{1,4})d$/;

/** Reads the query of `GET /v1/usage`, or says what is wrong with it. Absent: by client, since the first day of this month, until today. @param now Unix milliseconds */
export function readUsageQuery(parameters: URLSearchParams, now: number): UsageQuery | string {
  const unknown = [...parameters.keys()].find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined) return `Unknown parameter ${unknown.slice(0, 40)}: there are ${[...PARAMETERS].join(', ')}.`;
  const by = USAGE_KEYS.find((key) => key === (parameters.get('by') ?? 'client'));
  if (by === undefined) return `by must be one of ${USAGE_KEYS.join(', ')}.`;
  const date = new Date(now);
  const sinceDay = readDay(parameters.get('since'), now) ?? utcDayOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth()));
  const untilDay = readDay(parameters.get('until'), now) ?? utcDayOf(now);
  if (Number.isNaN(sinceDay) || Number.isNaN(untilDay)) return 'since and until must be dates such as 2026-11-30, or numbers of days back such as 7d.';
  return sinceDay > untilDay ? 'since must not be later than until.' : { by, sinceDay, untilDay };
}

/** A date of the UTC calendar; `NaN` for what is none. */
function readDay(text: string | null, now: number): number | undefined {
  if (text === null) return undefined;
  const [, back] = DAYS.exec(text) ?? [];
  if (back !== undefined) return utcDayOf(now) - Number(back);
  const time = DATE.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // Date.parse takes 2026-02-30 for a day of March.
  return Number.isNaN(time) || dateOfDay(utcDayOf(time)) !== text ? Number.NaN : utcDayOf(time);
}

/** A day as `2026-11-30`. */
export function dateOfDay(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}
