import { expect, it } from 'vitest';
import { parseText } from './read-with-parse.ts';
import { scanText } from './scan.ts';

/** Texts with a gap; long ones are passed over by vectors, short ones looked up byte by byte. */
const PLACES: readonly (readonly [name: string, before: string, after: string])[] = [
  ['alone', '', ''],
  ['between tokens', '[1,', '2]'],
  ['in a run of spaces', '[     ', `${' '.repeat(40)}1]`],
  ['after a value', '[1', ']'],
  ['after a name', '{"a"', ':1}'],
  ['in a number', '[1', '2]'],
  ['after a fraction', '[1.5', ']'],
  ['in a literal', '[tr', 'e]'],
  ['in a short string', '"a', 'b"'],
  ['in a long string', `"${'a'.repeat(40)}`, `${'b'.repeat(90)}"`],
  ['after a backslash', '"\\', '"'],
  ['after a backslash in a long string', `"${'a'.repeat(40)}\\`, `${'b'.repeat(90)}"`],
  ['as a hexadecimal digit', '"\\u00', '0"'],
  ['as a hexadecimal digit in a long string', `"${'a'.repeat(40)}\\u0`, `00${'b'.repeat(90)}"`],
  ['after escaped backslashes in a long string', `"${'\\'.repeat(40)}`, `${'b'.repeat(90)}"`],
];

it.each(PLACES)('takes just the bytes that Node takes: %s', (_name, before, after) => {
  for (let byte = 0; byte < 256; byte += 1) {
    const text = Buffer.concat([Buffer.from(before), Buffer.of(byte), Buffer.from(after)]);
    expect('envelope' in scanText(text), `byte ${byte}`).toBe(parseText(text) !== undefined);
  }
});
