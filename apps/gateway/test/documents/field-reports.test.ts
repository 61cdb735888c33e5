import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { citedTests, problemsOf, readPage, REPOSITORY, tableRows } from './documented-tests.ts';

const REPORTS = 153;
const table = tableRows(readPage('docs/field-reports.md'));
const rows = table.filter(([number = '']) => /^\d+$/.test(number));
/** Rows without a number, in three columns: what was reported after the numbered list was made. */
const later = table.filter(([first = '']) => !/^\d+$/.test(first));

/** The list that the page was made from, where it lies beside the checkout. */
const SOURCE = join(REPOSITORY, '../shared/facts/field-reports.md');

describe('docs/field-reports.md', () => {
  test('has a row for each of the 153 reports, once and in order', () => {
    expect(rows.map(([number]) => Number(number))).toEqual(Array.from({ length: REPORTS }, (_, index) => index + 1));
  });

  test('field reports: every row has a link and a symptom', () => {
    expect(rows.filter(([, report = '', seen = '']) => report === '' || seen === '')).toEqual([]);
  });

  test('names for every report a test, or why it cannot apply', () => {
    expect(rows.filter(([, , , shown = '']) => citedTests(shown).length === 0 && !/^Cannot apply: .{30,}\.$/.test(shown))).toEqual([]);
  });

  test.each(rows.map(([number = '', , , shown = '']) => [number, shown] as const))('FR-%s names only tests that exist', (_number, shown) => {
    expect(problemsOf(citedTests(shown))).toEqual([]);
  });

  test.each(later)('the later report %s (%s) names a test that exists, or why it cannot apply', (report, seen, shown = '') => {
    expect([report === '', seen === '']).toEqual([false, false]);
    expect(citedTests(shown).length > 0 || /^Cannot apply: .{30,}\.$/.test(shown)).toBe(true);
    expect(problemsOf(citedTests(shown))).toEqual([]);
  });

  test(`lists the same reports as its source${existsSync(SOURCE) ? '' : ' (skipped: the source is not here)'}`, ({ skip }) => {
    if (!existsSync(SOURCE)) skip('the list that the page was made from is not here');
    const [listed = ''] = readFileSync(SOURCE, 'utf8').split('\n## Asked for');
    expect(rows.map(([number, report]) => [number, report])).toEqual(tableRows(listed).map(([number, report]) => [number, report]));
  });
});

describe('the check itself', () => {
  const file = 'apps/gateway/test/documents/field-reports.test.ts';

  test('cited tests: finds a missing file, a missing title, and a title that only resembles one', () => {
    expect(problemsOf([{ file: 'apps/gateway/test/nothing.test.ts', title: 'x' }])).toEqual(['no such file: apps/gateway/test/nothing.test.ts']);
    for (const title of ['names only tests', 'has a row for each of the 153 reports', 'FR- names only tests that exist']) expect(problemsOf([{ file, title }])).toHaveLength(1);
  });

  test('takes a title word for word, a template, and what a template makes', () => {
    const titles = ['has a row for each of the 153 reports, once and in order', 'FR-%s names only tests that exist', 'FR-12 names only tests that exist'];
    expect(problemsOf(titles.map((title) => ({ file, title })))).toEqual([]);
  });

  test('reads every code span of a cell', () => {
    expect(citedTests('`a.test.ts › one (FR-1)`<br>``b/c.test.ts › two `x` ends``, and `d.ts`')).toEqual([{ file: 'a.test.ts', title: 'one (FR-1)' }, { file: 'b/c.test.ts', title: 'two `x` ends' }]);
  });
});
