import { describe, expect, test } from 'vitest';
import { describeUnknownOption } from '../src/index.ts';

const KNOWN = { maxConnections: true, host: true };

describe('describeUnknownOption', () => {
  test('is undefined where every option is known, those without a value included', () => {
    expect(describeUnknownOption({}, KNOWN)).toBeUndefined();
    expect(describeUnknownOption({ host: undefined, maxConnections: 1 }, KNOWN)).toBeUndefined();
  });

  test('names the first unknown option and the nearest known one', () => {
    expect(describeUnknownOption({ host: 'a', maxConnection: 1, hots: 'b' }, KNOWN)).toBe('maxConnection is not an option; did you mean maxConnections?');
  });

  test('suggests nothing where nothing is near', () => {
    expect(describeUnknownOption({ colour: 'red' }, KNOWN)).toBe('colour is not an option');
  });

  test('an option named like a member of every object is unknown too', () => {
    expect(describeUnknownOption({ toString: 1 }, KNOWN)).toBe('toString is not an option');
    expect(describeUnknownOption(JSON.parse('{ "__proto__": 1 }') as object, KNOWN)).toBe('__proto__ is not an option');
  });
});
