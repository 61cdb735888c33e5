import type { Recording } from '@penstock/test-support';
import type { Cut } from './cut-oracles.ts';
import { CUT_KINDS, nearBoundaries } from './cutting-upstream.ts';

/** How many of the smallest recordings are cut at every byte. */
const WHOLLY_CUT = 5;

/** One cut in so many is a reset, and one a stall; all others are a FIN. */
const OTHER_KINDS_EVERY = 40;

/** Every byte of the smallest recordings, the bytes around each boundary of the others; a FIN everywhere, and a spread of resets and stalls. */
export function planCuts(recordings: readonly Recording[]): Cut[] {
  const fins = recordings.flatMap((recording, index) => {
    const offsets = index < WHOLLY_CUT ? Array.from({ length: recording.body.length + 1 }, (_, offset) => offset) : nearBoundaries(recording);
    return offsets.map((offset): Cut => ({ recording, offset, kind: 'fin' }));
  });
  const others = CUT_KINDS.filter((kind) => kind !== 'fin').flatMap((kind, shift) => fins.filter((_, index) => index % OTHER_KINDS_EVERY === shift).map((cut): Cut => ({ ...cut, kind })));
  return [...fins, ...others];
}

/** One cut in `step`, spread over all of them; the same ones at every run. */
export function thinned(cuts: readonly Cut[], step: number): Cut[] {
  return cuts.filter((_, index) => index % step === 0);
}

/** How many cuts of each kind, for what a run prints. */
export function describeCuts(cuts: readonly Cut[]): string {
  return CUT_KINDS.map((kind) => `${cuts.filter((cut) => cut.kind === kind).length} ${kind}`).join(', ');
}
