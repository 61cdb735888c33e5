import type { BudgetPeriod } from '../../config/sections/budgets-section.ts';

/** A day in UTC, as whole days since 1970-01-01. */
export type UtcDay = number;

/** The days of one period: from `fromDay` until the start of `resetDay`. */
export interface PeriodSpan {
  readonly fromDay: UtcDay;
  readonly resetDay: UtcDay;
}

/** The periods that a day lies in. */
export type PeriodSpans = Readonly<Record<BudgetPeriod, PeriodSpan>>;

const DAY_MS = 86_400_000;
const DAY_SECONDS = 86_400;
const WEEK_DAYS = 7;
/** 1970-01-01 was a Thursday, three days after a Monday. */
const EPOCH_WEEKDAY = 3;

/** The day of a moment in Unix milliseconds. */
export function dayOf(unixMs: number): UtcDay {
  return Math.floor(unixMs / DAY_MS);
}

/** The start of a day in Unix seconds. */
export function startOfDay(day: UtcDay): number {
  return day * DAY_SECONDS;
}

/** A day as `2026-11-29`. */
export function dayText(day: UtcDay): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

let known: { readonly day: UtcDay; readonly spans: PeriodSpans } | undefined;

/** The periods of a day: the day, the week from Monday, the month. Remembered for the day that was asked for last. */
export function spansOf(day: UtcDay): PeriodSpans {
  if (known?.day !== day) known = { day, spans: computeSpans(day) };
  return known.spans;
}

function computeSpans(day: UtcDay): PeriodSpans {
  const monday = day - ((day + EPOCH_WEEKDAY) % WEEK_DAYS);
  const date = new Date(day * DAY_MS);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return {
    daily: { fromDay: day, resetDay: day + 1 },
    weekly: { fromDay: monday, resetDay: monday + WEEK_DAYS },
    monthly: { fromDay: dayOf(Date.UTC(year, month, 1)), resetDay: dayOf(Date.UTC(year, month + 1, 1)) },
  };
}
