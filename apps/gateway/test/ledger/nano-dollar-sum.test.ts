// Sums of amounts stay exact where a number no longer is.
import { expect, test } from 'vitest';
import { MOST_NANO_DOLLARS } from '../../src/cost/dollars.ts';
import { NanoDollarSum } from '../../src/ledger/nano-dollar-sum.ts';

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

function sumOf(amounts: readonly bigint[]): bigint {
  const sum = new NanoDollarSum();
  for (const amount of amounts) sum.add(amount);
  return sum.total;
}

test('nano-dollar sum: the largest entries add up beyond 2^53, each nano-dollar counted', () => {
  const amounts = Array.from({ length: 1_000 }, (_, index) => MOST_NANO_DOLLARS - BigInt(index));
  const sum = amounts.reduce((total, amount) => total + amount, 0n);
  expect(sum).toBeGreaterThan(SAFE);
  expect(sumOf(amounts)).toBe(sum);
  expect(sumOf(amounts.map((amount) => -amount))).toBe(-sum);
  expect(sumOf([...amounts, ...amounts.map((amount) => -amount), 1n])).toBe(1n);
});

test('nano-dollar sum: amounts that no number holds are added as they are', () => {
  expect(sumOf([SAFE, SAFE, 2n ** 62n + 1n, -(2n ** 62n), 3n])).toBe(2n * SAFE + 4n);
  expect(sumOf([2n ** 52n - 1n, 2n ** 52n - 1n, 1n])).toBe(2n ** 53n - 1n);
  expect(sumOf([])).toBe(0n);
});
