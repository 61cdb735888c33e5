import { describe, expect, it } from 'vitest';
import { eachByte, scanChunks, scanText, type Verdict } from './scan.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes as the content of a JSON string, behind padding that moves them across a vector's edge. */
function quoted(bytes: readonly number[], padding = 0): Buffer {
  return Buffer.concat([Buffer.from(`"${'p'.repeat(padding)}`), Buffer.from(bytes), Buffer.from(`${'q'.repeat(70)}"`)]);
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

describe('UTF-8 (RFC 3629)', () => {
  it('agrees with a fatal TextDecoder on every pair of bytes from 0x80', () => {
    for (let first = 0x80; first <= 0xff; first += 1) {
      for (let second = 0x80; second <= 0xff; second += 1) {
        const bytes = quoted([first, second], (first + second) % 70);
        expect('envelope' in scanText(bytes), `${first} ${second}`).toBe(isUtf8(bytes));
      }
    }
  });

  it('agrees with a fatal TextDecoder at the edges of every three- and four-byte form', () => {
    const edges = [0x20, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0];
    for (const lead of [0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff]) {
      for (const second of edges) {
        for (const third of edges) {
          for (const fourth of edges) {
            const bytes = quoted([lead, second, third, fourth], (second + third + fourth) % 70);
            expect('envelope' in scanText(bytes), `${lead} ${second} ${third} ${fourth}`).toBe(isUtf8(bytes));
          }
        }
      }
    }
  });

  it.each<[string, number[], Verdict]>([
    ['a stray continuation byte', [0x80], { code: 'invalid_utf8', byteOffset: 1 }],
    ['an overlong two-byte form', [0xc0, 0xaf], { code: 'invalid_utf8', byteOffset: 1 }],
    ['an overlong three-byte form', [0xe0, 0x80, 0xaf], { code: 'invalid_utf8', byteOffset: 2 }],
    ['an encoded surrogate', [0xed, 0xa0, 0x80], { code: 'invalid_utf8', byteOffset: 2 }],
    ['a code point over U+10FFFF', [0xf4, 0x90, 0x80, 0x80], { code: 'invalid_utf8', byteOffset: 2 }],
    ['a lead byte that no form has', [0xf5, 0x80, 0x80, 0x80], { code: 'invalid_utf8', byteOffset: 1 }],
    ['a form that breaks off', [0xe2, 0x82, 0x41], { code: 'invalid_utf8', byteOffset: 3 }],
  ])('points at the byte that ended every hope: %s', (_name, bytes, verdict) => {
    expect(scanText(quoted(bytes))).toEqual(verdict);
    expect(scanChunks(eachByte(quoted(bytes)))).toEqual(verdict);
  });

  it('carries a form across any cut, wherever it stands to a vector of 16 or 64 bytes', () => {
    for (let padding = 0; padding < 70; padding += 1) {
      const bytes = quoted([0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80], padding);
      for (let cut = padding; cut < padding + 12; cut += 1) {
        expect(scanChunks([bytes.subarray(0, cut), bytes.subarray(cut)])).toHaveProperty('envelope');
      }
    }
  });

  it('refuses bytes from 0x80 outside of strings as bad JSON', () => {
    expect(scanText('[\u00a0]')).toEqual({ code: 'invalid_json', byteOffset: 1 });
  });
});
