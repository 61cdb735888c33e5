import { expect, test } from 'vitest';
import { gcShareOf } from '../../src/scale/gc-pauses.ts';

const SECOND = 1_000_000;

test('the share of collections in the slowest events counts those that waited while one ran', () => {
  // Of 2,000 events two were as slow as 10 ms while the heap was collected; the others took 2 ms and less.
  const slowest = [
    { endedAt: SECOND, milliseconds: 11 }, { endedAt: SECOND + 2_000, milliseconds: 10 },
    ...Array.from({ length: 38 }, (_, index) => ({ endedAt: 5 * SECOND + index * 100, milliseconds: 2 - index / 100 })),
  ];
  const pauses = [{ startedAt: SECOND - 9_000, endedAt: SECOND - 1_000 }, { startedAt: 9 * SECOND, endedAt: 9 * SECOND + 3_000 }];
  expect(gcShareOf(2_000, slowest, pauses)).toEqual({ collections: 2, longestMs: 8, p999Ms: 2, p999WithoutGcMs: 1.99, overlapped: 1 });
  expect(gcShareOf(2_000, slowest, [])).toEqual({ collections: 0, longestMs: 0, p999Ms: 2, p999WithoutGcMs: 2, overlapped: 0 });
});
