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

  it.each([['c3', 'a9'], ['e282', 'ac'], ['f09f98', '80']])('joins no half character of an earlier text (%s) with the bytes of the next one', (half, rest) => {
    // The half stands where a value is kept that its chunk broke off: right in front of the next chunk.
    const leaveHalf = (): void => createEnvelopeScanner({ members: ['model'] }).write(Buffer.concat([Buffer.from('{"model":"'), Buffer.from(half, 'hex')]));
    const inString = (): EnvelopeScanner => {
      const scanner = createEnvelopeScanner();
      scanner.write(Buffer.from('{"text":"'));
      return scanner;
    };
    const stray = inString();
    leaveHalf();
    expect(() => stray.write(Buffer.concat([Buffer.from(rest, 'hex'), Buffer.alloc(64, 'a')]))).toThrow(expect.objectContaining({ code: 'invalid_utf8', byteOffset: 9 }));
    const whole = inString();
    leaveHalf();
    whole.write(Buffer.from(`${'\u00e9'.repeat(40)}"}`));
    expect(whole.end().root).toBe('object');
  });

  it('gives up a value that is too long to carry, and is not disturbed by it', () => {
    const chunks = ['{"model":"', 'x'.repeat(50_000), 'x'.repeat(50_000), '","stream":true}'];
    const members = ['model', 'stream'];
    for (let round = 0; round < 2; round += 1) {
      const scanner = createEnvelopeScanner({ members });
      for (const chunk of chunks) scanner.write(Buffer.from(chunk));
      expect([...scanner.end().members]).toEqual([['model', [{ kind: 'too_long' }]], ['stream', [{ kind: 'boolean', value: true }]]]);
    }
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
