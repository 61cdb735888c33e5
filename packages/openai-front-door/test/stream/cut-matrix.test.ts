import { expect, it } from 'vitest';
import { CUT_STREAM, runCutMatrix } from '../support/cut-matrix.ts';

/** The last byte of the event that says the answer is over. */
const WHOLE = CUT_STREAM.length;
/** Where the end of the answer begins: the bytes around it are the ones that matter. */
const END = CUT_STREAM.indexOf('event: message_delta');
const SAMPLE = [...Array.from({ length: 6 }, (_, index) => index * Math.floor(END / 6)), ...Array.from({ length: 12 }, (_, index) => END + index * Math.floor((WHOLE - END) / 12)), WHOLE - 2, WHOLE - 1];

const MATRIX = (['clean', 'reset'] as const).flatMap((end) => (['chat', 'responses'] as const).map((protocol) => [end, protocol] as const));

it.each(MATRIX)('no OpenAI client takes an answer cut at any byte for a whole one (sampled; the upstream ends %s; %s)', async (end, protocol) => {
  const verdicts = await runCutMatrix(SAMPLE, end, protocol);
  expect(verdicts.filter(({ verdict }) => verdict === 'whole')).toEqual([]);
});

it.each(['chat', 'responses'] as const)('every OpenAI client takes the uncut answer for whole (the matrix can tell; %s)', async (protocol) => {
  const verdicts = await runCutMatrix([WHOLE], 'clean', protocol);
  expect(verdicts).toHaveLength(6);
  expect(verdicts.every(({ verdict }) => verdict === 'whole')).toBe(true);
});
