import { expect, it } from 'vitest';
import { CUT_STREAM, runCutMatrix } from '../support/cut-matrix.ts';

/** The last byte of the event that says the answer is over. */
const WHOLE = CUT_STREAM.length;
/** Where the end of the answer begins: the bytes around it are the ones that matter. */
const END = CUT_STREAM.indexOf('event: message_delta');
const SAMPLE = [...Array.from({ length: 6 }, (_, index) => index * Math.floor(END / 6)), ...Array.from({ length: 12 }, (_, index) => END + index * Math.floor((WHOLE - END) / 12)), WHOLE - 2, WHOLE - 1];

it.each(['clean', 'reset'] as const)('no OpenAI client takes an answer cut at any byte for a whole one (sampled; the upstream ends %s)', async (end) => {
  const verdicts = await runCutMatrix(SAMPLE, end);
  expect(verdicts.filter(({ verdict }) => verdict === 'whole')).toEqual([]);
});

it('every OpenAI client takes the uncut answer for whole (the matrix can tell)', async () => {
  const verdicts = await runCutMatrix([WHOLE], 'clean');
  expect(verdicts).toHaveLength(6);
  expect(verdicts.every(({ verdict }) => verdict === 'whole')).toBe(true);
});
