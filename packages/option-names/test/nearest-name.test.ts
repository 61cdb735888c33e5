import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nearestName } from '../src/index.ts';

const KNOWN = ['host', 'port', 'workers', 'max_connections', 'max_keepalive_connections', 'drain_timeout'];

describe('nearestName', () => {
  test.each([
    ['prot', 'port'], ['hots', 'host'], ['worker', 'workers'], ['maxConnections', 'max_connections'], ['MAX-CONNECTIONS', 'max_connections'], ['drain_timout', 'drain_timeout'],
  ])('takes %s for %s', (name, meant) => {
    expect(nearestName(name, KNOWN)).toBe(meant);
  });

  test.each(['x', '', 'metrics', 'abcd', 'y'.repeat(10_000)])('guesses nothing for %s (a wrong hint is worse than none)', (name) => {
    expect(nearestName(name, KNOWN)).toBeUndefined();
  });

  test('counts two swapped neighbours as one change (three characters have room for one)', () => {
    expect(nearestName('cta', ['cat'])).toBe('cat');
    expect(nearestName('tca', ['cat'])).toBeUndefined();
  });

  test('takes a beginning for the only name that begins with it', () => {
    expect(nearestName('key', ['name', 'key_sha256'])).toBe('key_sha256');
    expect(nearestName('drain', KNOWN)).toBe('drain_timeout');
    expect(nearestName('max', KNOWN)).toBeUndefined();
    expect(nearestName('dr', KNOWN)).toBeUndefined();
  });

  test('prefers the name with fewer changes, and the first of two that are equally near', () => {
    expect(nearestName('timeout', ['timeoutsMs', 'timeouts', 'timeoutx'])).toBe('timeouts');
  });

  test('one change of a longer name leads back to it, wherever it is', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), minLength: 4, maxLength: 40 });
    fc.assert(fc.property(name, fc.nat(), fc.constantFrom('i', 'j', 'k', 'l'), (known, at, other) => {
      const place = at % known.length;
      expect(nearestName(`${known.slice(0, place)}${other}${known.slice(place + 1)}`, [known])).toBe(known);
      expect(nearestName(`${known.slice(0, place)}${other}${known.slice(place)}`, [known])).toBe(known);
      expect(nearestName(`${known.slice(0, place)}${known.slice(place + 1)}`, [known])).toBe(known);
    }));
  });
});
