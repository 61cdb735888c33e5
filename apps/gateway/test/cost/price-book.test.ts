import { expect, test } from 'vitest';
import { createPriceBook } from '../../src/cost/price-book.ts';

const row = (input: string, upstream?: string): { readonly model: string; readonly unit: 'usd_per_million_tokens'; readonly input: string; readonly output: string; readonly upstream?: string } =>
  ({ model: 'house-model', unit: 'usd_per_million_tokens', input, output: '10', ...(upstream === undefined ? {} : { upstream }) });

test('the price of a model is that of its upstream, whatever was asked for before', () => {
  const book = createPriceBook({ prices: [row('1'), row('2', 'second'), row('3', 'third')], multipliers: {} });
  const inputOf = (upstream: string | undefined, ...models: readonly (string | undefined)[]): number | undefined => {
    const { price, isKnown } = book.find(upstream, models);
    // Pico-dollars a token.
    return isKnown ? price.input / 1_000_000 : undefined;
  };
  for (let turn = 0; turn < 2; turn += 1) {
    expect(inputOf('first', 'house-model')).toBe(1);
    expect(inputOf('second', 'house-model')).toBe(2);
    expect(inputOf('second', undefined, 'no-such-model', 'house-model')).toBe(2);
    expect(inputOf('third', 'house-model')).toBe(3);
    expect(inputOf('third', 'no-such-model')).toBeUndefined();
    expect(inputOf(undefined, 'house-model')).toBe(1);
    expect(inputOf('third', 'claude-haiku-4-5', 'house-model')).toBe(inputOf('first', 'claude-haiku-4-5'));
  }
});
