import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { HAS_MACHINE } from '../src/index.ts';
import { CHOSEN } from './read-with-parse.ts';
import { cutAt, scanChunks, scanText } from './scan.ts';
import { brokenText, cuts, jsonText } from './texts.ts';

const AMPLE = { members: CHOSEN, maxDepth: 4096, maxValueBytes: 8192, maxValues: 10_000 };
const TIGHT = { members: CHOSEN, maxDepth: 5, maxBytes: 300, maxValueBytes: 24, maxValues: 2 };
const [WASM, PLAIN] = [[AMPLE, TIGHT].map((options) => ({ ...options, plain: false })), [AMPLE, TIGHT].map((options) => ({ ...options, plain: true }))];

describe('the scanner without WebAssembly', () => {
  it('gives the verdict of the module for any text, however it is cut: offsets, members, duplicates and overflows', () => {
    expect(HAS_MACHINE).toBe(true);
    fc.assert(
      fc.property(fc.oneof(jsonText.map((text) => Buffer.from(text)), brokenText), cuts, (bytes, places) => {
        for (const [index, options] of WASM.entries()) expect(scanChunks(cutAt(bytes, places), PLAIN[index])).toEqual(scanText(bytes, options));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is used where the engine has no WebAssembly', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    vi.resetModules();
    try {
      const { HAS_MACHINE: hasMachine, createEnvelopeScanner } = await import('../src/index.ts');
      const scanner = createEnvelopeScanner({ members: ['model'] });
      scanner.write(Buffer.from('{"model":"m\\u0061"}'));
      expect([hasMachine, scanner.end().members.get('model')]).toEqual([false, [{ kind: 'string', value: 'ma' }]]);
    } finally {
      vi.unstubAllGlobals();
      vi.resetModules();
    }
  });
});
