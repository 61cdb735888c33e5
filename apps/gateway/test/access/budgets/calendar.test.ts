import { describe, expect, it } from 'vitest';
import { dayOf, dayText, spansOf } from '../../../src/access/budgets/calendar.ts';

const spansAt = (time: string): Readonly<Record<string, string>> => Object.fromEntries(Object.entries(spansOf(dayOf(Date.parse(time)))).map(([period, { fromDay, resetDay }]) =>
  [period, `${dayText(fromDay)} ${dayText(resetDay)}`]));

describe('periods of budgets', () => {
  it.each([
    ['the last millisecond of a month', '2026-11-30T23:59:59.999Z', { daily: '2026-11-30 2026-12-01', weekly: '2026-11-30 2026-12-07', monthly: '2026-11-01 2026-12-01' }],
    ['the first millisecond of a month', '2026-12-01T00:00:00.000Z', { daily: '2026-12-01 2026-12-02', weekly: '2026-11-30 2026-12-07', monthly: '2026-12-01 2027-01-01' }],
    ['the end of a year', '2026-12-31T23:59:59Z', { daily: '2026-12-31 2027-01-01', weekly: '2026-12-28 2027-01-04', monthly: '2026-12-01 2027-01-01' }],
    ['a Sunday', '2026-11-29T12:00:00Z', { daily: '2026-11-29 2026-11-30', weekly: '2026-11-23 2026-11-30', monthly: '2026-11-01 2026-12-01' }],
    ['a leap day', '2028-02-29T00:00:00Z', { daily: '2028-02-29 2028-03-01', weekly: '2028-02-28 2028-03-06', monthly: '2028-02-01 2028-03-01' }],
    ['February of a year without one', '2027-02-28T23:00:00Z', { daily: '2027-02-28 2027-03-01', weekly: '2027-02-22 2027-03-01', monthly: '2027-02-01 2027-03-01' }],
    ['a century that has one', '2000-02-29T01:00:00Z', { daily: '2000-02-29 2000-03-01', weekly: '2000-02-28 2000-03-06', monthly: '2000-02-01 2000-03-01' }],
  ])('%s', (_name, time, expected) => {
    expect(spansAt(time)).toEqual(expected);
  });

  it('every day of forty years lies in its periods, and the next period begins where one ends', () => {
    for (let day = dayOf(Date.parse('1999-12-25')); day < dayOf(Date.parse('2040-01-10')); day += 1) {
      for (const period of ['daily', 'weekly', 'monthly'] as const) {
        const { fromDay, resetDay } = spansOf(day)[period];
        expect(fromDay <= day && day < resetDay).toBe(true);
        expect(spansOf(resetDay)[period].fromDay).toBe(resetDay);
      }
      expect(new Date(spansOf(day).weekly.fromDay * 86_400_000).getUTCDay()).toBe(1);
    }
  });
});
