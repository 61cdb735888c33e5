import { expect, it } from 'vitest';
import { fuzzTranslation } from '../support/fuzz-translation.ts';

const REQUESTS = process.env['PENSTOCK_SLOW_BOUNDED'] === '1' ? 10_000 : 100_000;

it.each(['chat', 'responses'] as const)(`turns ${REQUESTS} generated %s requests into valid Messages requests or a 400 that names its param (never a crash)`, (protocol) => {
  const { translated, refused, params } = fuzzTranslation(protocol, REQUESTS, Date.now());
  expect(translated + refused).toBe(REQUESTS);
  expect(translated).toBeGreaterThan(REQUESTS / 10);
  expect(params.size).toBeGreaterThan(50);
  console.info(`${protocol}: translated ${translated}, refused ${refused}, params named ${params.size}`);
}, 1_800_000);
