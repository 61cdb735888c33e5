import { array, assert, nat, property, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { freeMemory } from '../../src/body/free-memory.ts';
import { SelfReleasingBody } from '../../src/body/self-releasing-body.ts';

test('gives every chunk once, in order, and holds only what was not taken', () => {
  assert(property(array(uint8Array({ minLength: 1, maxLength: 8 })), (chunks) => {
    const body = new SelfReleasingBody(chunks);
    let left = chunks.reduce((total, { byteLength }) => total + byteLength, 0);
    for (const chunk of chunks) {
      expect(body.heldBytes).toBe(left);
      expect(body.next()).toEqual({ done: false, value: chunk });
      left -= chunk.byteLength;
    }
    expect(body.heldBytes).toBe(0);
    expect(body.next().done).toBe(true);
  }));
});

test('holds nothing once it was given up (the client left before all was sent)', () => {
  assert(property(array(uint8Array()), nat(5), (chunks, taken) => {
    const body = new SelfReleasingBody(chunks);
    for (let index = 0; index < taken; index += 1) body.next();
    body.return();
    expect(body.heldBytes).toBe(0);
    expect(body.next().done).toBe(true);
  }));
});

test('draining body: onFlushed() frees the memory of the last chunk', () => {
  const chunks = [Buffer.alloc(65_536, 1), Buffer.alloc(16_384, 2), Buffer.alloc(65_536, 3)];
  const body = new SelfReleasingBody(chunks);
  body.onFlushed();
  body.next();
  body.onFlushed();
  expect(chunks.map(({ length }) => length)).toEqual([0, 16_384, 65_536]);
  body.next();
  body.next();
  body.onFlushed();
  expect(chunks.map(({ length }) => length)).toEqual([0, 16_384, 0]);
  expect(chunks[1]?.equals(Buffer.alloc(16_384, 2))).toBe(true);
  body.next();
  body.return();
  body.onFlushed();
});

test('memory that a chunk shares with others is left alone, and so is what is too small to be worth a call', () => {
  const shared = Buffer.alloc(100_000, 7);
  const small = Buffer.alloc(16_383, 7);
  freeMemory(shared.subarray(0, 50_000));
  freeMemory(shared.subarray(50_000));
  freeMemory(small);
  freeMemory(new Uint8Array(new SharedArrayBuffer(65_536)));
  freeMemory(Buffer.alloc(0));
  expect([shared.equals(Buffer.alloc(100_000, 7)), small.length]).toEqual([true, 16_383]);
});

test('the memory is given back at once, not when the collector comes by', () => {
  const before = process.memoryUsage().arrayBuffers;
  for (let index = 0; index < 1_000; index += 1) freeMemory(Buffer.alloc(1_000_000));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
});
