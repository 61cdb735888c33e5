import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { TextPieces } from '../../src/messages-core/text-pieces.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('TextPieces gives what was appended, piece by piece or in one', () => {
  const pieces = new TextPieces();
  const appended = Array.from({ length: 3000 }, (_, index) => 'Grüße 漢字 😀 '.repeat(index % 7));
  for (const text of appended) pieces.append(text);
  expect(pieces.toString()).toBe(appended.join(''));
  expect(pieces.length).toBe(appended.join('').length);
  expect(new TextPieces().toString()).toBe('');
});

it('TextPieces holds a text of one-character pieces in little more than the text (a growing string keeps an object for each piece)', () => {
  const CHARS = 4 * 1024 * 1024;
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const pieces = new TextPieces();
  for (let index = 0; index < CHARS; index += 1) pieces.append(index % 2 === 0 ? 'a' : 'b');
  collectGarbage();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(3 * CHARS);
  expect(pieces.length).toBe(CHARS);
});
