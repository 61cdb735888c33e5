import { expect, test } from 'vitest';
import { dollarsOf, wordDollars } from '../../src/cost/dollars.ts';

test.each([
  [0n, '$0'], [1n, '<$0.0001'], [100_000n, '$0.0001'], [352_500n, '$0.0004'], [994_000_000n, '$0.9940'], [999_999_999n, '$1.00'], [12_345_000_000n, '$12.35'], [1_234_567_890_000_000n, '$1,234,567.89'],
])('%s nano-dollars are written as %s', (nanoDollars, words) => {
  expect(wordDollars(dollarsOf(nanoDollars))).toBe(words);
});
