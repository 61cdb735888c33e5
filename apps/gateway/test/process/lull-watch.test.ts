import { expect, test } from 'vitest';
import { LullWatch } from '../../src/process/lull-watch.ts';

const MB = 1024 * 1024;

/** Whether each look in turn collects; a collection leaves `left` bytes. The numbers are MB. */
function looks(readings: readonly { readonly size: number; readonly used: number }[], left = 0): boolean[] {
  const watch = new LullWatch();
  return readings.map(({ size, used }) => {
    const isTime = watch.isTimeToCollect({ size: size * MB, used: used * MB });
    if (isTime) watch.collected({ size: size * MB, used: left * MB });
    return isTime;
  });
}

test('a young generation that grew: is collected once two looks in a row were quiet', () => {
  expect(looks([{ size: 48, used: 10 }, { size: 48, used: 12 }, { size: 48, used: 14 }])).toEqual([false, false, true]);
});

test('a young generation that grew: is left alone while more than 4 MB are allocated between two looks', () => {
  expect(looks([1, 5, 9, 13, 17, 18, 22].map((used) => ({ size: 48, used })))).toEqual(Array.from({ length: 7 }, () => false));
});

test('a young generation that grew: is left alone while V8 collects it by itself', () => {
  expect(looks([9, 8, 9, 7, 8, 6].map((used) => ({ size: 48, used })))).toEqual(Array.from({ length: 6 }, () => false));
});

test('a young generation of 8 MB: stays as it is', () => {
  expect(looks([1, 1, 1, 1].map((used) => ({ size: 8, used })))).toEqual([false, false, false, false]);
});

test('a lull: has five collections at most where V8 does not make the young generation smaller, and the next lull five again', () => {
  const quiet = Array.from({ length: 9 }, () => ({ size: 48, used: 1 }));
  const five = [true, true, true, true, true];
  // After the load of 20 MB the first look finds that it ended.
  expect(looks([...quiet, { size: 48, used: 20 }, ...quiet], 1)).toEqual([false, false, ...five, false, false, false, false, false, ...five, false, false]);
});
