import { expect, test } from 'vitest';
import { RESPONSE_VARIANTS } from '../../wire/response-variants.ts';
import { runResponseVariants } from '../../wire/run-response-variants.ts';

test(`each of ${RESPONSE_VARIANTS.length} generated responses reaches its own client whole, or visibly broken, or as an error of the gateway's own, and no other client`, async () => {
  const { problems, whole, broken, refused } = await runResponseVariants(RESPONSE_VARIANTS);
  expect(problems).toEqual([]);
  expect(Math.min(whole, broken, refused)).toBeGreaterThan(50);
  process.stdout.write(`${RESPONSE_VARIANTS.length} responses: ${whole} whole, ${broken} visibly broken, ${refused} refused\n`);
});
