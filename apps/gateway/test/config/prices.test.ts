import { describe, expect, it } from 'vitest';
import { attemptLoad, problemsOf } from './config-folder.ts';

const ROW = { model: 'claude-next', unit: 'usd_per_million_tokens', input: '3.00', output: '15.00' };
const AMOUNT = 'US dollars as a decimal string such as "3.00", from "0" to "999999.999999"';
const MULTIPLIER = 'a decimal string such as "0.85", above "0" and at most "10", with at most 6 decimals';
const withRow = (fields: object): string[] => problemsOf({ file: { prices: [{ ...ROW, ...fields }] } });

describe('prices', () => {
  it('are accepted with every field, for one upstream or for all', () => {
    const full = { ...ROW, model: '*anthropic.claude-x@2026*', upstream: 'native', cache_read: '0.30', cache_write_5m: '3.75', cache_write_1h: '6', web_search_per_1000: '10', long_context: { above: 200_000, input: '6', output: '22.5' } };
    expect(attemptLoad({ file: { prices: [full, ROW, { ...ROW, upstream: 'front_door_anthropic' }] } }).config.prices).toHaveLength(3);
  });

  it.each([
    ['a negative amount', { input: '-1' }, `prices[0].input must be ${AMOUNT}, received "-1"`],
    ['an amount below a pico-dollar a token', { output: '0.0000001' }, `prices[0].output must be ${AMOUNT}, received "0.0000001"`],
    ['a number (a float is no amount)', { cache_read: 0.3 }, `prices[0].cache_read must be ${AMOUNT}, received 0.3`],
    ['an amount that overflows', { web_search_per_1000: '1000000' }, `prices[0].web_search_per_1000 must be ${AMOUNT}, received "1000000"`],
    ['an exponent', { input: '3e0' }, `prices[0].input must be ${AMOUNT}, received "3e0"`],
    ['another unit', { unit: 'usd_per_thousand_tokens' }, 'prices[0].unit must be "usd_per_million_tokens": amounts are US dollars per million tokens, received "usd_per_thousand_tokens"'],
    ['no unit', { unit: undefined }, 'prices[0].unit must be "usd_per_million_tokens": amounts are US dollars per million tokens, received nothing'],
    ['a pattern of another kind', { model: 'claude-(opus|sonnet)' }, 'prices[0].model must be a model id of letters, digits and . _ : / @ + -, in which * stands for any characters, received "claude-(opus|sonnet)"'],
    ['an upstream that does not exist', { upstream: 'front_door_antropic' }, 'prices[0].upstream must be absent or one of native, front_door_anthropic, received "front_door_antropic": did you mean "front_door_anthropic"?'],
    ['a bound of long contexts that is not whole', { long_context: { above: 1.5, input: '1', output: '1' } }, 'prices[0].long_context.above must be an integer from 1 to 9007199254740991, received 1.5'],
  ])('%s is a problem with its path and what is expected', (_what, fields, problem) => {
    expect(withRow(fields)).toEqual([problem]);
  });

  it('two rows for one model at one upstream are a problem that names the first', () => {
    expect(problemsOf({ file: { prices: [ROW, { ...ROW, upstream: 'native' }, { ...ROW, input: '1' }] } })).toEqual(['prices[2].model must be another model or upstream than prices[0], received "claude-next": remove one of the two']);
  });

  it.each(['0', '-1', '10.1', '0.8500001', '85%', ''])('a multiplier of %j is a problem', (multiplier) => {
    expect(problemsOf({ file: { anthropic_native: { price_multiplier: multiplier } } })).toEqual([`anthropic_native.price_multiplier must be ${MULTIPLIER}, received ${JSON.stringify(multiplier)}`]);
  });
});
