import { expect, test } from 'vitest';
import { GENERATED_PROTOCOLS, translateGenerated } from '../front-door/translate-generated.ts';

const REQUESTS = process.env['PENSTOCK_SLOW_BOUNDED'] === '1' ? 5_000 : 100_000;

test.each(GENERATED_PROTOCOLS)(`${REQUESTS} generated %s become Messages requests that the API takes, or a 400 that names its param (never a 500)`, (protocol) => {
  const seed = Date.now();
  const { accepted, refused } = translateGenerated(protocol, REQUESTS, seed);
  const sum = (tally: ReadonlyMap<string, number>): number => [...tally.values()].reduce((total, count) => total + count, 0);
  console.info(`${protocol}, seed ${seed}: accepted ${sum(accepted)}, refused with 400 ${sum(refused)}`);
  expect(sum(accepted) + sum(refused)).toBe(REQUESTS);
  expect(sum(accepted)).toBeGreaterThan(REQUESTS / 10);
}, 1_800_000);
