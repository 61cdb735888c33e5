import { expect, test } from 'vitest';
import { measureGrowth } from '../src/index.ts';

let sink = 0;
const linear = (size: number) => (): void => { for (let index = 0; index < size; index += 1) sink = Math.imul(sink + index, 31); };
// Each inner loop is long beside the call of it, so that the calls do not make the small one look dear.
const quadratic = (size: number) => (): void => { for (let index = 0; index < size; index += 1) linear(20 * size)(); };

test('work that grows with its input is within eight times its ratio, work that grows with the square is above four times its own', async () => {
  expect(await measureGrowth({ small: linear(4_000), large: linear(1_024_000), atMost: 2_048 })).toBeLessThan(2_048);
  expect(await measureGrowth({ small: quadratic(20), large: quadratic(320), atMost: 64 })).toBeGreaterThan(64);
});
