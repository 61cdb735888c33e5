import { loadRecordings } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { allCuts, cutsNearBoundaries, runCuts, type CutMode, type CutTotals } from '../cut-harness.ts';

const recordings = loadRecordings('sse').toSorted((a, b) => a.body.length - b.body.length);
const LARGE_BYTES = 16_384;

describe.skipIf(recordings.length === 0)('every recorded stream, cut at every byte (skipped where there are no recordings)', () => {
  it.each<CutMode>(['fin', 'close', 'gzip', 'reset'])('never looks complete, and loses no byte (%s)', async (mode) => {
    const totals: CutTotals = { cuts: 0, withErrorEvent: 0, withoutErrorEvent: 0, complete: 0, violations: [] };
    for (const recording of recordings) {
      if (mode === 'gzip' && recording.gzip === undefined) continue;
      const isSampled = recording.body.length > LARGE_BYTES || mode === 'reset';
      await runCuts(recording, mode, isSampled ? cutsNearBoundaries(recording, mode, 3, mode === 'reset' ? 60 : 500) : allCuts(recording, mode), totals);
    }
    console.log(`${mode}: ${totals.cuts} cuts, ${totals.complete} complete, ${totals.withErrorEvent} with an error event, ${totals.withoutErrorEvent} broken without, ${totals.violations.length} violations`);
    expect(totals.violations).toEqual([]);
  });
});
