import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { createEnvelopeScanner } from '../src/index.ts';

const CHUNK_BYTES = 65_536;
const MEMBERS = ['model', 'stream', 'max_tokens', 'fallbacks[].model', 'tools[].model'];

/** Texts that give a scanner as much to do as a byte can: each is repeated to the end of a chunk. */
const COSTLY: readonly (readonly [name: string, opening: string, repeated: string])[] = [
  ['escapes', '"', '\\n'],
  ['backslashes', '"', '\\\\'],
  ['spelled-out characters', '"', '\\u20ac'],
  ['three-byte characters', '"', '\u20ac'],
  ['one-byte strings', '[""', ',"x"'],
  ['digits', '[0', ',1'],
  ['long numbers', '[0', ',-1.25e+10'],
  ['literals', '[null', ',true'],
  ['containers', '[0', ',[{}]'],
  ['single spaces', '[0', ' , 0'],
  ['lines', '[0', '\n,\n0'],
  ['other members', '{"x":0', ',"a":1'],
  ['members of a chosen length', '{"x":0', ',"medal":1'],
  ['spelled-out names', '{"x":0', ',"\\u006dodem":1'],
  ['the same chosen member', '{"x":0', ',"model":"m"'],
  ['chosen members of elements', '{"tools":[0', ',{"model":1}'],
];

describe('bounded work', () => {
  it.each(COSTLY)('takes 64 KiB of %s in less than 0.5 ms (the event loop goes on)', (_name, opening, repeated) => {
    const body = opening + repeated.repeat((CHUNK_BYTES - opening.length) / repeated.length);
    const chunk = Buffer.from(body).subarray(0, CHUNK_BYTES);
    const write = (): number => {
      const scanner = createEnvelopeScanner({ members: MEMBERS });
      const start = performance.now();
      scanner.write(chunk);
      return performance.now() - start;
    };
    const times = Array.from({ length: 60 }, write);
    // The best of many: a busy machine may take any single run away from us, but not every one.
    expect(Math.min(...times)).toBeLessThan(0.5);
  });

  it('holds no more after 32 MB than after 64 KB (memory is constant)', () => {
    const chunk = Buffer.from('{"role":"user","content":"text\\n"},'.repeat(1900));
    const scanner = createEnvelopeScanner({ members: MEMBERS });
    scanner.write(Buffer.from('{"messages":['));
    const write = (times: number): number => {
      for (let count = 0; count < times; count += 1) scanner.write(chunk);
      return process.memoryUsage().external + process.memoryUsage().arrayBuffers;
    };
    const early = write(1);
    expect(write(500)).toBeLessThan(early + 1_000_000);
  });
});
