import { expect, test } from 'vitest';
import { ageOf, stampOf, StampReader, streamOf, writeStamp } from '../../src/wire/stamp.ts';

test('reads every stamp of a stream that is cut at any byte', () => {
  const stream = Buffer.alloc(60, ' ');
  writeStamp(stream, 3, 12_345_678);
  writeStamp(stream, 30, 99_999_999_999_999);
  for (let cut = 0; cut <= stream.length; cut += 1) {
    const seen: number[] = [];
    const reader = new StampReader((microseconds) => { seen.push(microseconds); });
    reader.push(stream.subarray(0, cut));
    reader.push(stream.subarray(cut));
    expect(seen).toEqual([12_345_678, 99_999_999_999_999]);
  }
});

test('a stamp holds the number of its stream and its age (where the clock starts again, too)', () => {
  const sent = 123_999_999_990;
  const stamp = stampOf(99_999, sent);
  expect(String(stamp)).toHaveLength(14);
  expect(streamOf(stamp)).toBe(99_999);
  expect(ageOf(stamp, sent + 25)).toBe(25);
});
