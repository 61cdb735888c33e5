import { expect, test } from 'vitest';
import { createUserCode, readUserCode } from '../src/device/user-code.ts';

test('user codes: eight letters of twenty consonants, all of which occur, in two groups', () => {
  const codes = Array.from({ length: 500 }, createUserCode);
  for (const code of codes) expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  // 4,000 letters: one of twenty is missing once in 10^87 runs.
  expect(new Set(codes.join('').replaceAll('-', '')).size).toBe(20);
  expect(new Set(codes).size).toBe(500);
});

test('a typed user code: counts in any case and with any separator, and what cannot be one is none', () => {
  for (const typed of ['bcdf-ghjk', 'BCDFGHJK', ' bcdf ghjk ', 'BCDF.GHJK', 'bc-df_gh-jk']) expect(readUserCode(typed)).toBe('BCDF-GHJK');
  for (const typed of ['', 'BCDF-GHJ', 'BCDF-GHJKL', 'ACDF-GHJK', 'BCDF-GH1K', 'ΒCDF-GHJK', `BCDF-GHJK${' '.repeat(40)}`]) expect(readUserCode(typed)).toBeUndefined();
});
