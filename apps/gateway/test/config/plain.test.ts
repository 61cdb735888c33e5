import { expect, test } from 'vitest';
import { readPlain } from '../../src/config/plain.ts';

test.each([[undefined, false], ['', false], [' ', false], ['0', false], ['1', true], ['true', true], ['no', true]])('PENSTOCK_PLAIN: %j turns the shortcuts off: %s', (value, isPlain) => {
  expect(readPlain(value)).toBe(isPlain);
});
