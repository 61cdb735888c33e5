import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEnvelopeScanner, isEnvelopeError, type EnvelopeScanner, type EnvelopeScannerOptions } from '../src/index.ts';
import { cutAt, scanText, type Verdict } from './scan.ts';
import { brokenText, cuts, jsonText } from './texts.ts';

const OPTIONS: readonly EnvelopeScannerOptions[] = [
  { members: ['model', 'stream'], maxDepth: 4 },
  { members: ['tools[].model', 'model', 'stop[]'], maxValueBytes: 10 },
];
const anyText = fc.oneof(jsonText.map((text) => Buffer.from(text)), brokenText);

describe('one machine for many texts', () => {
  it('keeps texts apart whose chunks come in turns (requests run side by side)', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyText, cuts, fc.nat(1)), { minLength: 2, maxLength: 5 }), (texts) => {
        const runs = texts.map(([bytes, places, which]) => new Run(cutAt(bytes, places), OPTIONS[which]));
        while (runs.map((run) => run.step()).includes(true)) continue;
        expect(runs.map(({ verdict }) => verdict)).toEqual(texts.map(([bytes, , which]) => scanText(bytes, OPTIONS[which])));
      }),
      { numRuns: 400 },
    );
  });

  it('keeps a value apart that is cut in the middle while another text is scanned', () => {
    const [first, second] = [createEnvelopeScanner({ members: ['model'] }), createEnvelopeScanner({ members: ['model'] })];
    for (const [ours, theirs] of [['{"mod', '{"m'], ['el":"cla', 'odel":"g'], ['ude', 'emm'], ['"}', 'a"}']] as const) {
      first.write(Buffer.from(ours));
      second.write(Buffer.from(theirs));
    }
    expect(first.end().members.get('model')).toEqual([{ kind: 'string', value: 'claude' }]);
    expect(second.end().members.get('model')).toEqual([{ kind: 'string', value: 'gemma' }]);
  });

  it('is not disturbed by texts that are given up halfway (clients leave)', () => {
    for (let round = 0; round < 1000; round += 1) createEnvelopeScanner().write(Buffer.from('{"model":["half a te'));
    expect(scanText('{"model":"m"}', { members: ['model'] })).toMatchObject({ envelope: { root: 'object' } });
  });

  it('reads its own options, whichever text came before', () => {
    const names = ['a', 'b', 'c'].map((name) => ({ members: [name] }));
    for (const options of [...names, ...names]) {
      const verdict = scanText('{"a":1,"b":2,"c":3}', options);
      expect('envelope' in verdict && [...verdict.envelope.members.keys()]).toEqual(options.members);
    }
  });
});

/** A text on its way: each step writes one chunk, the last one ends it. */
class Run {
  verdict: Verdict | undefined;
  readonly #chunks: Uint8Array[];
  readonly #scanner: EnvelopeScanner;

  constructor(chunks: Uint8Array[], options: EnvelopeScannerOptions | undefined) {
    this.#chunks = chunks;
    this.#scanner = createEnvelopeScanner(options);
  }

  /** Tells whether there is more to do. */
  step(): boolean {
    if (this.verdict !== undefined) return false;
    const chunk = this.#chunks.shift();
    try {
      if (chunk === undefined) this.verdict = { envelope: this.#scanner.end() };
      else this.#scanner.write(chunk);
    } catch (error) {
      if (!isEnvelopeError(error)) throw error;
      this.verdict = { code: error.code, byteOffset: error.byteOffset };
    }
    return true;
  }
}
