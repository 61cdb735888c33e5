import { array, assert, nat, property, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { DrainingBody } from '../../src/outbound/draining-body.ts';

test('gives every chunk once, in order, and holds only what was not taken', () => {
  assert(property(array(uint8Array({ minLength: 1, maxLength: 8 })), (chunks) => {
    const body = new DrainingBody(chunks);
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
    const body = new DrainingBody(chunks);
    for (let index = 0; index < taken; index += 1) body.next();
    body.return();
    expect(body.heldBytes).toBe(0);
    expect(body.next().done).toBe(true);
  }));
});
