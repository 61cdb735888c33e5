import { expect, test } from 'vitest';
import { REQUEST_VARIANTS } from '../../wire/request-variants.ts';
import { runRequestVariants } from '../../wire/run-request-variants.ts';

test(`each of ${REQUEST_VARIANTS.length} generated requests becomes one well-framed outbound request with its own answer, or none`, async () => {
  const { problems, forwarded, servedNext } = await runRequestVariants(REQUEST_VARIANTS);
  expect(problems).toEqual([]);
  expect(forwarded).toBeGreaterThan(150);
  expect(servedNext).toBeGreaterThan(50);
  process.stdout.write(`${REQUEST_VARIANTS.length} requests: ${forwarded} reached the upstream, ${servedNext} connections served the next\n`);
});
