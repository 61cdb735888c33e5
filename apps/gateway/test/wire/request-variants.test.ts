import { describe, expect, test } from 'vitest';
import { REQUEST_VARIANTS } from './request-variants.ts';
import { runRequestVariants } from './run-request-variants.ts';

/** A prime, so that no class with a regular order is met at the same place of it each time. */
const STRIDE = 11;
const SAMPLE = REQUEST_VARIANTS.filter((variant, index) => index % STRIDE === 0 || variant.name.startsWith('a request as '));

describe('generated requests that two readers may read differently', () => {
  test('there are thousands, each of its own', () => {
    expect(REQUEST_VARIANTS.length).toBeGreaterThan(6_000);
    expect(new Set(REQUEST_VARIANTS.map(({ name }) => name)).size).toBe(REQUEST_VARIANTS.length);
  });

  test('each becomes one well-framed outbound request with its own answer, or none, and the next request on the connection gets its own (a sample)', { timeout: 120_000 }, async () => {
    const { problems, forwarded, servedNext } = await runRequestVariants(SAMPLE);
    expect(problems).toEqual([]);
    expect(forwarded).toBeGreaterThan(5);
    expect(servedNext).toBeGreaterThan(5);
  });
});
