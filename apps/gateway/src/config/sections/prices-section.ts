import { z } from 'zod';
import { checkedText, count, list, text } from './field-kinds.ts';

/** The one unit that prices of tokens have. */
export const PRICE_UNIT = 'usd_per_million_tokens';

/** The price of one model, or of several; amounts are US dollars per million tokens, as decimal strings. */
export interface PriceConfig {
  readonly model: string;
  readonly upstream?: string | undefined;
  readonly unit: typeof PRICE_UNIT;
  readonly input: string;
  readonly output: string;
  readonly cache_read?: string | undefined;
  readonly cache_write_5m?: string | undefined;
  readonly cache_write_1h?: string | undefined;
  readonly web_search_per_1000?: string | undefined;
  readonly long_context?: LongContextConfig | undefined;
}

/** The price of answers whose input is long. */
export interface LongContextConfig {
  readonly above: number;
  readonly input: string;
  readonly output: string;
}

/** The models of the simulator cost nothing. */
export const SIMULATED_PRICE: PriceConfig = Object.freeze({ model: 'sim-*', unit: PRICE_UNIT, input: '0', output: '0' });

const AMOUNT_EXPECTED = 'US dollars as a decimal string such as "3.00", from "0" to "999999.999999"';
const MULTIPLIER_EXPECTED = 'a decimal string such as "0.85", above "0" and at most "10", with at most 6 decimals';
const MODEL_EXPECTED = 'a model id of letters, digits and . _ : / @ + -, in which * stands for any characters';
const UPSTREAM_EXPECTED = 'the name of an upstream, as it stands in metrics';

function isAmount(value: string): boolean {
  return /^(?:0|[1-9]\d{0,5})(?:\.\d{1,6})?$/.test(value);
}

function amount(): z.ZodString {
  return checkedText(AMOUNT_EXPECTED, isAmount);
}

/** What all prices of one upstream are multiplied by, as a decimal string; a discount is below 1. */
export function priceMultiplier(): z.ZodString {
  return checkedText(MULTIPLIER_EXPECTED, (value) => isAmount(value) && Number(value) > 0 && Number(value) <= 10);
}

const longContextSection: z.ZodType<LongContextConfig> = z.strictObject({
  above: count(1, Number.MAX_SAFE_INTEGER).describe('Tokens of input, what is read from and written to the cache included, above which these prices are for all tokens of the answer.'),
  input: amount().describe('Uncached input. Prices of the cache grow as this one does.'),
  output: amount().describe('Output.'),
}, 'an object with above, input and output');

const priceSection: z.ZodType<PriceConfig> = z.strictObject({
  model: text(MODEL_EXPECTED).max(256, MODEL_EXPECTED).regex(/^[\w.:/@+*-]+$/, MODEL_EXPECTED)
    .describe('Model ids it is for; `*` stands for any characters. The longest pattern that fits wins.'),
  upstream: text(UPSTREAM_EXPECTED).optional().describe('The upstream it is for, by its name in metrics (`native`, `front_door_NAME`). Absent: all; a price that names the upstream wins.'),
  unit: z.literal(PRICE_UNIT, `"${PRICE_UNIT}": amounts are US dollars per million tokens`).describe('What amounts are in: US dollars per million tokens.'),
  input: amount().describe('Uncached input.'),
  output: amount().describe('Output, thinking included.'),
  cache_read: amount().optional().describe('Input that is read from the cache. Absent: a tenth of `input`.'),
  cache_write_5m: amount().optional().describe('Input that is written to the 5-minute cache. Absent: 1.25 times `input`.'),
  cache_write_1h: amount().optional().describe('Input that is written to the 1-hour cache. Absent: twice `input`.'),
  web_search_per_1000: amount().optional().describe('US dollars of 1,000 web searches. Absent: 10.'),
  long_context: longContextSection.optional().describe('Prices of answers with a long input. Absent: the same.'),
}, 'an object with model, unit, input and output');

/** The schema of `prices`. */
export const pricesSection: z.ZodType<readonly PriceConfig[]> = list(priceSection);
