import { expect, test } from 'vitest';
import { GENERATED_MODELS, GENERATED_PROTOCOLS, translateGenerated } from './translate-generated.ts';

test.each(GENERATED_PROTOCOLS)('2,000 generated %s become Messages requests that the API takes, or a 400 that names its param (never a 500)', (protocol) => {
  const { accepted, refused } = translateGenerated(protocol, 2_000, 20_261_129);
  // A generator that gives one kind only would prove nothing.
  expect(Math.min(...GENERATED_MODELS.map((model) => accepted.get(model) ?? 0))).toBeGreaterThan(10);
  expect(Math.min(...GENERATED_MODELS.map((model) => refused.get(model) ?? 0))).toBeGreaterThan(10);
});
