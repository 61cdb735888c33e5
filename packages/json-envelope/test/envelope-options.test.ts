import { describe, expect, it } from 'vitest';
import { createEnvelopeScanner, type EnvelopeScannerOptions } from '../src/index.ts';

describe('options', () => {
  it.each<[EnvelopeScannerOptions, string]>([
    [{ maxDepth: 0 }, 'maxDepth must be a positive integer, received 0'],
    [{ maxDepth: 5000 }, 'maxDepth must be at most 4096, received 5000'],
    [{ maxBytes: 1.5 }, 'maxBytes must be a positive integer, received 1.5'],
    [{ maxValueBytes: -1 }, 'maxValueBytes must be a positive integer, received -1'],
    [{ maxValueBytes: 100_000 }, 'maxValueBytes must be at most 8192, received 100000'],
    [{ maxValues: Number.NaN }, 'maxValues must be a positive integer, received NaN'],
    [{ members: ['a', 'a'] }, 'members must be distinct, received a, a'],
    [{ members: Array.from({ length: 17 }, (_, index) => `m${index}`) }, 'members must be an array of at most 16 paths'],
    [{ members: ['a.b.c'] }, 'members must hold paths such as name, name[], name[].member or name.member, received "a.b.c"'],
    [{ members: ['a.b[]'] }, 'received "a.b[]"'],
    [{ members: [''] }, 'received ""'],
    [{ members: ['a[].b[]'] }, 'received "a[].b[]"'],
    [{ members: ['\ud800'] }, 'received "\\ud800"'],
    [{ members: ['x'.repeat(257)] }, 'members must hold paths'],
  ])('refuses %j', (options, message) => {
    expect(() => createEnvelopeScanner(options)).toThrow(message);
  });
});
