import { describe, expect, it } from 'vitest';
import { createClientKey, hashClientKey } from '../../../src/access/clients/client-key.ts';

describe('a client key', () => {
  it('has 256 random bits and only characters that need no quoting', () => {
    const keys = new Set(Array.from({ length: 1_000 }, createClientKey));
    expect(keys.size).toBe(1_000);
    for (const key of keys) expect(key).toMatch(/^pen_[A-Za-z0-9_-]{43}$/);
  });

  it('is stored as the SHA-256 that sha256sum prints', () => {
    expect(hashClientKey('test2')).toBe('60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752');
  });
});
