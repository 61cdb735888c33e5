import { expect } from 'vitest';
import { CHOSEN, parseText, readChosen, withoutText } from './read-with-parse.ts';
import { cutAt, eachByte, scanChunks, scanText } from './scan.ts';

const AMPLE = { members: CHOSEN, maxDepth: 4096, maxValueBytes: 8192, maxValues: 10_000 };
const TIGHT = { members: CHOSEN, maxDepth: 5, maxBytes: 300, maxValueBytes: 24, maxValues: 2 };

/** Fails unless a text is taken or refused as Node's own decoder and parser do, with the same members. */
export function checkAgainstParse(bytes: Uint8Array): void {
  const parsed = parseText(bytes);
  const verdict = scanText(bytes, AMPLE);
  expect('envelope' in verdict, Buffer.from(bytes).toString('latin1')).toBe(parsed !== undefined);
  // A parsed object keeps one value of a name, so texts with a chosen name twice have nothing to compare with.
  if (parsed === undefined || !('envelope' in verdict) || verdict.envelope.duplicates.length > 0) return;
  const members = [...verdict.envelope.members].map(([path, values]) => [path, values.map(withoutText)] as const);
  expect(new Map(members)).toEqual(readChosen(parsed.value));
}

/** Fails unless a text gets the same verdict however it is cut, under ample and under tight limits. */
export function checkSplits(bytes: Uint8Array, places: readonly number[]): void {
  for (const options of [AMPLE, TIGHT]) {
    const whole = scanText(bytes, options);
    expect(scanChunks(cutAt(bytes, places), options)).toEqual(whole);
    expect(scanChunks(eachByte(bytes), options)).toEqual(whole);
  }
}
