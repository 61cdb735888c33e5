import { expect, it } from 'vitest';
import { fuzzTranslation } from '../support/fuzz-translation.ts';

it.each(['chat', 'responses'] as const)('turns 1,000 generated %s requests into valid Messages requests or a 400 that names its param (never a crash)', (protocol) => {
  const { translated, refused, params } = fuzzTranslation(protocol, 1000, 20_261_122);
  expect(translated + refused).toBe(1000);
  // A generator that gives one kind only would prove nothing.
  expect(translated).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
  expect(params.size).toBeGreaterThan(20);
});
