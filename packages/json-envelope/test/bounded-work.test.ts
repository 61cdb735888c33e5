import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { createEnvelopeScanner } from '../src/index.ts';

const CHUNK_BYTES = 65_536;
/** Two thirds of a millisecond where a plain pass takes 85 µs. A limit in milliseconds would ask what else the machine is doing. */
const MOST_PASSES = 8;
/** Enough for the pass to be compiled: as an interpreted one it would excuse anything. */
const WARM_RUNS = 60;
const MOST_RUNS = 10_000;
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

/** What it takes to look at every byte once. */
function plainPass(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 1) sum = (Math.imul(sum, 31) + (bytes[index] ?? 0)) | 0;
  return sum;
}

function timeOf(step: () => unknown): number {
  const start = performance.now();
  step();
  return performance.now() - start;
}

describe('bounded work', () => {
  it.each(COSTLY)('takes 64 KiB of %s in less than eight plain passes over them (the event loop goes on)', (_name, opening, repeated) => {
    const body = opening + repeated.repeat((CHUNK_BYTES - opening.length) / repeated.length);
    const chunk = Buffer.from(body).subarray(0, CHUNK_BYTES);
    // The best of many of each: a busy machine may take any single run away from us, but not every one. Once one was good, that is shown.
    const best = { write: Infinity, pass: Infinity };
    for (let run = 0; run < MOST_RUNS && (run < WARM_RUNS || best.write >= MOST_PASSES * best.pass); run += 1) {
      const scanner = createEnvelopeScanner({ members: MEMBERS });
      best.write = Math.min(best.write, timeOf(() => scanner.write(chunk)));
      best.pass = Math.min(best.pass, timeOf(() => plainPass(chunk)));
    }
    expect(best.write / best.pass).toBeLessThan(MOST_PASSES);
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
