import { describe, expect, it } from 'vitest';
import { nearestName } from '../../src/config/problems/nearest-name.ts';

const KNOWN = ['host', 'port', 'workers', 'max_connections', 'max_keepalive_connections', 'drain_timeout'];

describe('nearestName', () => {
  it.each([
    ['prot', 'port'], ['hots', 'host'], ['worker', 'workers'], ['maxConnections', 'max_connections'], ['MAX-CONNECTIONS', 'max_connections'], ['drain_timout', 'drain_timeout'],
  ])('takes %s for %s', (name, meant) => {
    expect(nearestName(name, KNOWN)).toBe(meant);
  });

  it.each(['x', '', 'metrics', 'abcd', 'y'.repeat(10_000)])('guesses nothing for %s (a wrong hint is worse than none)', (name) => {
    expect(nearestName(name, KNOWN)).toBeUndefined();
  });
});
