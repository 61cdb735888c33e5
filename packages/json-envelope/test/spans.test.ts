import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHOSEN, parseText } from './read-with-parse.ts';
import { cutAt, eachByte, readEnvelope, scanChunks, type Verdict } from './scan.ts';
import { cuts, jsonText } from './texts.ts';

const MACHINES = [['the WebAssembly module', false], ['the scanner without WebAssembly', true]] as const;

const nameOfModel = fc.constantFrom('"model"', '"mod\\u0065l"', '"\\u006d\\u006F\\u0064\\u0065\\u006c"');

/** The bytes at each span that a verdict has, as Node reads them, beside the value that was read. */
function readBack(verdict: Verdict, bytes: Uint8Array): { readonly read: unknown[]; readonly found: unknown[] } {
  if (!('envelope' in verdict)) throw new Error('refused');
  const strings = [...verdict.envelope.members.values()].flat().filter((value) => value.kind === 'string');
  return {
    read: strings.map(({ value }) => value),
    found: strings.map(({ span }) => parseText(bytes.subarray(span?.start, span?.end))?.value),
  };
}

describe.each(MACHINES)('spans of %s', (_machine, plain) => {
  const options = { members: ['model'], spans: true, plain };

  it('stand at the bytes that Node reads as the value, however the text is cut', () => {
    const all = { members: CHOSEN, maxValueBytes: 64, spans: true, plain };
    fc.assert(
      fc.property(jsonText, nameOfModel, jsonText, fc.string({ unit: 'grapheme', maxLength: 40 }), cuts, (before, name, after, model, places) => {
        const bytes = Buffer.from(`{"x":${before},${name}: ${JSON.stringify(model)},"stop":[${after}]}`);
        const { read, found } = readBack(scanChunks(cutAt(bytes, places), all), bytes);
        expect(found).toEqual(read);
        if (Buffer.byteLength(JSON.stringify(model)) <= 66) expect(found).toContain(model);
      }),
      { numRuns: 600 },
    );
  });

  it.each([
    ['first', '{"model":"claude-x","max_tokens":1}'],
    ['last', '{ "max_tokens": 1,\r\n "model" : "claude-x" }\n'],
    ['under an escaped name', '{"mod\\u0065l":"claude-x"}'],
    ['with escapes', '{"a":"\\"model\\":","model":"cl\\u0061ude\\u002dx"}'],
    ['behind characters of several bytes', '{"a":"\u00e9\u20ac\u{1f600}","model":"claude-x"}'],
    ['behind more than a chunk', `{"a":"${'x'.repeat(140_000)}","model":"claude-x"}`],
  ])('are exact for a value %s, at every cut near it and byte by byte', (_where, text) => {
    const bytes = Buffer.from(text);
    const end = text.length > 1_000 ? bytes.length - 30 : 0;
    const chunkings = [[bytes], eachByte(bytes).slice(0, 400), ...Array.from({ length: bytes.length - end }, (_, index) => [bytes.subarray(0, end + index), bytes.subarray(end + index)])];
    for (const chunks of chunkings) {
      const whole = chunks.length === 400 ? [...chunks, bytes.subarray(400)] : chunks;
      const verdict = scanChunks(whole, options);
      if (!('envelope' in verdict)) throw new Error('refused');
      const [value] = verdict.envelope.members.get('model') ?? [];
      if (value?.kind !== 'string' || value.span === undefined) throw new Error('there is no span');
      const { start, end: stop } = value.span;
      expect([value.value, JSON.parse(bytes.subarray(start, stop).toString())]).toEqual(['claude-x', 'claude-x']);
      expect(bytes.subarray(0, start).toString()).toMatch(/"mod(?:\\u0065|e)l"\s*:\s*$/);
    }
  });

  it('are those of each value of a repeated name', () => {
    const bytes = Buffer.from('{"model":"a","model": "b"}');
    expect(readEnvelope(bytes, options).members.get('model')).toEqual([
      { kind: 'string', value: 'a', span: { start: 9, end: 12 } }, { kind: 'string', value: 'b', span: { start: 22, end: 25 } },
    ]);
  });

  it.each([
    ['a number', '1'], ['null', 'null'], ['a boolean', 'true'], ['an object', '{"model":"x"}'], ['an array', '["x"]'], ['a string of 1 MB', `"${'x'.repeat(1_000_000)}"`],
  ])('are absent where the value is %s', (_kind, value) => {
    expect(readEnvelope(`{"model":${value}}`, options).members.get('model')?.[0]).not.toHaveProperty('span');
  });

  it('are absent without the option', () => {
    expect(readEnvelope('{"model":"a"}', { members: ['model'], plain }).members.get('model')).toEqual([{ kind: 'string', value: 'a' }]);
  });
});

it('spans are the same in both machines', () => {
  fc.assert(fc.property(jsonText, cuts, (text, places) => {
    const [left, right] = MACHINES.map(([, plain]) => scanChunks(cutAt(Buffer.from(text), places), { members: CHOSEN, maxValueBytes: 24, maxValues: 2, spans: true, plain }));
    expect(left).toEqual(right);
  }), { numRuns: 500 });
});
