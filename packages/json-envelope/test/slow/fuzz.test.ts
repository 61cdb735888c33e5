import * as fc from 'fast-check';
import { it } from 'vitest';
import { checkAgainstParse, checkSplits } from '../check-text.ts';
import { brokenText, cuts, jsonText } from '../texts.ts';

const MS_EACH = process.env['PENSTOCK_SLOW_BOUNDED'] === '1' ? 5_000 : 20_000;

/** Runs until the time is over; a failure prints its seed and the smallest text that shows it. */
const bounded = { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: MS_EACH, markInterruptAsFailure: false };

const agrees = (bytes: Uint8Array, places: readonly number[]): void => {
  checkAgainstParse(bytes);
  checkSplits(bytes, places);
};

it('agrees with Node on valid texts, at any split', () => {
  fc.assert(fc.property(jsonText.map((text) => Buffer.from(text)), cuts, agrees), bounded);
});

it('agrees with Node on texts with a few bytes changed, at any split', () => {
  fc.assert(fc.property(brokenText, cuts, agrees), bounded);
});

it('agrees with Node on strings of arbitrary bytes, at any split', () => {
  const quoted = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.concat([Buffer.from('"'), bytes, Buffer.from('"')]));
  fc.assert(fc.property(quoted, cuts, agrees), bounded);
});

it('agrees with Node on the bytes that matter in any order, at any split', () => {
  const tokens = fc.constantFrom(...Buffer.from('{}[]:,"\\ \n0-1.eEtrufalsn'), 0xc3, 0xa9, 0xe2, 0x82, 0xac);
  fc.assert(fc.property(fc.array(tokens, { maxLength: 60 }).map((bytes) => Buffer.from(bytes)), cuts, agrees), bounded);
});
