import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { withoutComments } from '../../src/config/reading/without-comments.ts';
import { attemptLoad, problemsOf } from './config-folder.ts';

test.each<[string, unknown]>([
  ['{ // one\n "a": 1, /* two */ "b": 2 }', { a: 1, b: 2 }],
  ['{"a": [1, 2, /* last */ ], "b": {"c": 1,},}', { a: [1, 2], b: { c: 1 } }],
  [String.raw`{"a": "// no", "b": "/* no */", "c": "\"//", "d": ",}"}`, { a: '// no', b: '/* no */', c: '"//', d: ',}' }],
  ['// first\r\n{}\r\n// last', {}],
])('JSON with comments: %j', (text, expected) => {
  expect(JSON.parse(withoutComments(text))).toEqual(expected);
});

test.each(['{} /* open', '{"a": /*/ 1}', '{"a": 1 / 2}', '{,}', '[,]', '{"a": 1,,}', '# no comment\n{}'])('%j is refused', (text) => {
  expect(() => { JSON.parse(withoutComments(text)); }).toThrow(SyntaxError);
});

test('JSON with comments: plain JSON stays as it is, and every text keeps its length and lines', () => {
  fc.assert(fc.property(fc.json(), (text) => { expect(withoutComments(text)).toBe(text); }), { numRuns: 500 });
  const pieces = fc.array(fc.constantFrom('"', '\\', '/', '*', ',', '}', ']', '\n', 'a', ' '), { maxLength: 40 }).map((parts) => parts.join(''));
  fc.assert(fc.property(pieces, (text) => {
    const plain = withoutComments(text);
    expect([plain.length, plain.split('\n').length]).toEqual([text.length, text.split('\n').length]);
  }), { numRuns: 2_000 });
});

test('a configuration with comments is taken, and a fault behind one is found at its place', () => {
  expect(attemptLoad({ file: '{\n  // ours\n  "server": { "port": 8123 }, // was 8000\n}' }).config.server.port).toBe(8123);
  expect(problemsOf({ file: '{\n  // ours\n  "server": { "port": }\n}' }).join()).toMatch(/malformed JSON at line 3 column 23/);
});
