import { expect, it } from 'vitest';
import { fuzzTranslation } from '../support/fuzz-translation.ts';

it('turns 100,000 generated requests into valid Messages requests or a 400 that names its param (never a crash)', () => {
  const { translated, refused, params } = fuzzTranslation(100_000, Date.now());
  expect(translated + refused).toBe(100_000);
  expect(translated).toBeGreaterThan(10_000);
  expect(params.size).toBeGreaterThan(50);
  console.info(`translated ${translated}, refused ${refused}, params named ${params.size}`);
}, 1_800_000);
