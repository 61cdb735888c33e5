import { expect, it } from 'vitest';
import { fuzzTranslation } from '../support/fuzz-translation.ts';

it('turns 1,000 generated requests into valid Messages requests or a 400 that names its param (never a crash)', () => {
  const { translated, refused, params } = fuzzTranslation(1000, 20_261_122);
  expect(translated + refused).toBe(1000);
  // A generator that gives one kind only would prove nothing.
  expect(translated).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
  expect(params.size).toBeGreaterThan(20);
});
