import { expect, it } from 'vitest';
import { CUT_STREAM, runCutMatrix } from '../support/cut-matrix.ts';

const EVERY_BYTE = Array.from({ length: CUT_STREAM.length }, (_, index) => index);

it.each(['clean', 'reset'] as const)('no OpenAI client takes an answer cut at any byte for a whole one (every byte; the upstream ends %s)', async (end) => {
  const verdicts = await runCutMatrix(EVERY_BYTE, end);
  expect(verdicts).toHaveLength(EVERY_BYTE.length * 6);
  expect(verdicts.filter(({ verdict }) => verdict === 'whole')).toEqual([]);
}, 1_800_000);
