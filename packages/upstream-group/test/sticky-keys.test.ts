import { assert, array, property, string, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../src/choice/rank-members.ts';
import { MAX_REMEMBERED_KEYS, MAX_REMEMBERED_LENGTH, StickyKeys } from '../src/choice/sticky-keys.ts';

describe('StickyKeys', () => {
  it('finds the digest that is computed, however often and after whatever other keys', () => {
    const keys = new StickyKeys();
    assert(property(array(tuple(string(), string()), { minLength: 1 }), (pairs) => {
      for (const [owner, key] of [...pairs, ...pairs]) {
        const { digest, text } = keys.find(owner, key);
        expect(digest).toEqual(digestOf(owner, key));
        expect(text).toBe(`${digest.high}.${digest.low}`);
      }
    }));
  });

  it('tells pairs apart that join to the same text', () => {
    const keys = new StickyKeys();
    expect(keys.find('a', 'bc').digest).not.toEqual(keys.find('ab', 'c').digest);
    expect(keys.find('1:a', 'b').digest).not.toEqual(keys.find('1', ':ab').digest);
  });

  it('tells owners apart whose sessions have one id, or whose name is the id of a session of another', () => {
    const keys = new StickyKeys();
    for (const [owner, key] of [['a', 'session'], ['b', 'session'], ['a', 'session'], ['session', ''], ['b', 'session'], ['', 'session'], ['session', '']] as const) {
      expect(keys.find(owner, key).digest).toEqual(digestOf(owner, key));
    }
    expect(keys.find('session', '')).toBe(keys.find('session', ''));
    expect(keys.size).toBe(1);
  });

  it('computes a key once, and remembers one that is used while others come and go', () => {
    const keys = new StickyKeys();
    const first = keys.find('owner', 'used');
    for (let index = 0; index < MAX_REMEMBERED_KEYS * 3; index += 1) {
      keys.find('owner', `session-${index}`);
      if (index % 100 === 0) expect(keys.find('owner', 'used')).toBe(first);
    }
  });

  it('counts a key once that is used again after others', () => {
    const keys = new StickyKeys();
    for (let index = 0; index <= MAX_REMEMBERED_KEYS / 2; index += 1) keys.find('owner', `session-${index}`);
    const { size } = keys;
    expect(size).toBe(MAX_REMEMBERED_KEYS / 2 + 1);
    keys.find('owner', 'session-0');
    expect(keys.size).toBe(size);
  });

  it('remembers no more than its limit, forgets what is not used, and remembers no long key', () => {
    const keys = new StickyKeys();
    const first = keys.find('owner', 'once');
    let most = 0;
    for (let index = 0; index < MAX_REMEMBERED_KEYS * 2; index += 1) {
      keys.find('owner', `session-${index}`);
      most = Math.max(most, keys.size);
    }
    expect(most).toBe(MAX_REMEMBERED_KEYS);
    expect(keys.find('owner', 'once')).not.toBe(first);
    const { size } = keys;
    const long = 'x'.repeat(MAX_REMEMBERED_LENGTH);
    expect(keys.find('owner', long).digest).toEqual(digestOf('owner', long));
    expect(keys.size).toBe(size);
  });
});
