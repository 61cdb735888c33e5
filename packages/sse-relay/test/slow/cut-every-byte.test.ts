import { loadRecordings } from '@penstock/test-support';
import { afterAll, describe, expect, it } from 'vitest';
import { allCuts, cutsNearBoundaries, runCuts, type CutMode, type CutTotals } from '../cut-harness.ts';

const isBounded = process.env['PENSTOCK_SLOW_BOUNDED'] === '1';
/** The bounded run has the smallest ones: they hold every kind of event that matters to a boundary. */
const recordings = loadRecordings('sse').toSorted((a, b) => a.body.length - b.body.length).slice(0, isBounded ? 6 : undefined);

/** Longer recordings are cut within 3 bytes of every event boundary and at so many other offsets. */
const MODES: readonly { readonly mode: CutMode; readonly wholeUpToBytes: number; readonly extra: number }[] = [
  { mode: 'fin', wholeUpToBytes: 16_384, extra: 500 },
  { mode: 'close', wholeUpToBytes: 4_096, extra: 100 },
  { mode: 'gzip', wholeUpToBytes: 16_384, extra: 500 },
  { mode: 'reset', wholeUpToBytes: 0, extra: 60 },
];

describe.skipIf(recordings.length === 0).each(MODES)('recorded streams cut at every byte, $mode (skipped where there are no recordings)', ({ mode, wholeUpToBytes, extra }) => {
  const totals: CutTotals = { cuts: 0, withErrorEvent: 0, withoutErrorEvent: 0, complete: 0, violations: [] };
  const chosen = recordings.filter(({ gzip }) => mode !== 'gzip' || gzip !== undefined);

  it.each(chosen.map((recording) => [recording.name, recording] as const))('%s never looks complete, and loses no byte', async (_, recording) => {
    const cuts = recording.body.length <= wholeUpToBytes ? allCuts(recording, mode) : cutsNearBoundaries(recording, mode, 3, extra);
    await runCuts(recording, mode, cuts, totals);
    expect(totals.violations).toEqual([]);
  });

  afterAll(() => {
    console.log(`${mode}: ${totals.cuts} cuts of ${chosen.length} recordings, ${totals.complete} complete, ${totals.withErrorEvent} with an error event, ${totals.withoutErrorEvent} broken without, ${totals.violations.length} violations`);
  });
});
