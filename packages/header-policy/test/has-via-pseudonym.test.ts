import { expect, test } from 'vitest';
import { hasViaPseudonym } from '../src/index.ts';

test.each([
  ['alone', ['via', '1.1 penstock-a1']], ['among others', ['Via', '1.0 fred, 1.1 penstock-a1']], ['on a later line', ['via', '1.1 x', 'VIA', 'HTTP/1.1 Penstock-A1']],
  ['with a comment', ['via', '1.1 penstock-a1 (Penstock 1.0)']], ['with tabs', ['via', '1.0 a ,\t1.1\tpenstock-a1\t(x)']],
  ['glued to a comment', ['via', '1.1 penstock-a1(x)']],
  ['after an unclosed comment, once lines were joined (a client cannot hide a loop)', ['via', '1.1 x (unclosed, 1.1 penstock-a1']],
])('finds our own name %s', (_, fields) => {
  for (const pseudonym of ['penstock-a1', 'Penstock-A1']) expect(hasViaPseudonym(fields, pseudonym)).toBe(true);
});

test.each([
  ['another name', ['via', '1.1 penstock-a2']], ['a longer name', ['via', '1.1 penstock-a12']], ['a comment', ['via', '1.1 x (penstock-a1)']],
  ['a protocol', ['via', 'penstock-a1 x']], ['another field', ['x-via', '1.1 penstock-a1']], ['a value of another field', ['accept', 'via', 'x', '1.1 penstock-a1']],
  ['an empty line', ['via', '', 'via', ' , ,', 'via', '1.1']], ['nothing', []], ['a missing value', ['via']],
])('does not take %s for it', (_, fields) => {
  expect(hasViaPseudonym(fields, 'penstock-a1')).toBe(false);
});
