import { expect, it } from 'vitest';
import { CUT_STREAM, runCutMatrix } from '../support/cut-matrix.ts';

/** Every byte; the bounded run takes every fifth. */
const STEP = process.env['PENSTOCK_SLOW_BOUNDED'] === '1' ? 5 : 1;
const OFFSETS = Array.from({ length: CUT_STREAM.length }, (_, index) => index).filter((offset) => offset % STEP === 0);

const MATRIX = (['clean', 'reset'] as const).flatMap((end) => (['chat', 'responses'] as const).map((protocol) => [end, protocol] as const));

it.each(MATRIX)('no OpenAI client takes an answer cut at any byte for a whole one (every byte; the upstream ends %s; %s)', async (end, protocol) => {
  const verdicts = await runCutMatrix(OFFSETS, end, protocol);
  expect(verdicts).toHaveLength(OFFSETS.length * 6);
  expect(verdicts.filter(({ verdict }) => verdict === 'whole')).toEqual([]);
}, 1_800_000);
