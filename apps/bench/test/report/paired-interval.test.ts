import { describe, expect, test } from 'vitest';
import { pairedInterval } from '../../src/report/paired-interval.ts';

describe('the interval of a median', () => {
  test('of 15 differences: lies between the fourth and the twelfth, and holds the true one 19 times in 20 at least', () => {
    const differences = [7, 3, 11, 15, 1, 9, 13, 5, 2, 14, 4, 12, 6, 10, 8];
    const { median, low, high, coverage } = pairedInterval(differences);
    expect([median, low, high]).toEqual([8, 4, 12]);
    // P(4 <= X <= 11) of 15 coins.
    expect(coverage).toBeCloseTo(1 - 2 * (1 + 15 + 105 + 455) / 2 ** 15, 12);
  });

  test('of 6 differences: is all of them; of fewer there is none', () => {
    expect(pairedInterval([6, 1, 4, 2, 5, 3])).toMatchObject({ low: 1, high: 6, median: 3.5 });
    expect(() => pairedInterval([1, 2, 3, 4, 5])).toThrow(RangeError);
  });
});
