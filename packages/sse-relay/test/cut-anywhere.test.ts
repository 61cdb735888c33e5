import { loadRecordings } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { cutsNearBoundaries, runCuts, type CutMode, type CutTotals } from './cut-harness.ts';

const recordings = loadRecordings('sse').toSorted((a, b) => a.body.length - b.body.length);

describe.skipIf(recordings.length === 0)('a recorded stream cut anywhere (sampled; skipped where there are no recordings)', () => {
  it.each<[CutMode, number]>([['fin', 40], ['close', 40], ['reset', 20], ['gzip', 60]])('never looks complete, and loses no byte (%s)', async (mode, extra) => {
    const totals: CutTotals = { cuts: 0, withErrorEvent: 0, withoutErrorEvent: 0, complete: 0, violations: [] };
    const chosen = recordings.filter(({ gzip }) => mode !== 'gzip' || gzip !== undefined).slice(0, 3);
    for (const recording of chosen) await runCuts(recording, mode, cutsNearBoundaries(recording, mode, mode === 'gzip' ? 0 : 3, extra), totals);
    expect(totals.violations).toEqual([]);
    expect(totals.cuts).toBeGreaterThan(100);
  });
});
