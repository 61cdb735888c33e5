import { expect, test } from 'vitest';
import { describeUnknownOption, describeWrongOption, type OptionType } from '../src/index.ts';

const VALUES: Readonly<Record<string, unknown>> = { string: 'secret', number: 5, boolean: false, function: () => undefined, list: [], object: {} };

test.each(Object.keys(VALUES))('%s: the type itself passes, every other one and null are named without their value', (type) => {
  for (const [name, value] of Object.entries({ ...VALUES, null: null })) {
    const problem = describeWrongOption({ option: value }, { option: type as OptionType });
    if (name === type) expect(problem).toBeUndefined();
    else expect(problem).toMatch(/^option must be an? (?:string|number|boolean|function|list|object), received (?:an? \w+|null)$/);
    expect(problem ?? '').not.toContain('secret');
  }
});

test('an option that is absent is named, unless it may be', () => {
  expect(describeWrongOption({}, { pool: 'object' })).toBe('pool must be an object, received undefined');
  expect(describeWrongOption({ pool: undefined }, { pool: 'object?' })).toBeUndefined();
  expect(describeWrongOption({ pool: null }, { pool: 'object?' })).toBe('pool must be an object, received null');
});

test('the first of several wrong options is named', () => {
  expect(describeWrongOption({ first: 1, second: '2' }, { first: 'number', second: 'number', third: 'list' })).toBe('second must be a number, received a string');
});

test.each([[undefined, 'undefined'], [null, 'null'], ['secret', 'a string'], [5, 'a number']])('options that are no object are named so: %s', (options, received) => {
  expect(describeUnknownOption(options as never, { pool: true })).toBe(`the options must be an object, received ${received}`);
});
