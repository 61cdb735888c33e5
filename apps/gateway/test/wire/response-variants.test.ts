import { describe, expect, test } from 'vitest';
import { RESPONSE_VARIANTS } from './response-variants.ts';
import { runResponseVariants } from './run-response-variants.ts';

/** A prime, so that no class with a regular order is met at the same place of it each time. */
const STRIDE = 7;
const SAMPLE = RESPONSE_VARIANTS.filter((_variant, index) => index % STRIDE === 0);

describe('generated responses that two readers may read differently, or that break', () => {
  test('there are thousands, each of its own', () => {
    expect(RESPONSE_VARIANTS.length).toBeGreaterThan(2_000);
    expect(new Set(RESPONSE_VARIANTS.map(({ name }) => name)).size).toBe(RESPONSE_VARIANTS.length);
  });

  test('each reaches its own client whole, or visibly broken, or as an error of the gateway\'s own, and no other client (a sample)', { timeout: 120_000 }, async () => {
    const { problems, whole, broken, refused } = await runResponseVariants(SAMPLE);
    expect(problems).toEqual([]);
    expect(Math.min(whole, broken, refused)).toBeGreaterThan(5);
  });
});
