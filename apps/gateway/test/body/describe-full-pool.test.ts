import { describe, expect, it } from 'vitest';
import { describeFullPool, describeFullQueue, type PoolCapacity } from '../../src/request/describe-full-pool.ts';

const POOL: PoolCapacity = { maxConnections: 20, maxWaiting: 100, longLived: 0, maxLongLived: 5 };
const REQUEST = { upstream: 'the API', isLongLived: false };

describe('the sentence for a request that got no connection', () => {
  it('names the pool and its size', () => {
    expect(describeFullPool(POOL, REQUEST)).toBe('This gateway\'s 20 connections to the API are all in use, and none became free in time. This limit is the gateway\'s own, not the API\'s.');
    expect(describeFullPool({ ...POOL, maxConnections: 1 }, REQUEST)).toMatch(/^This gateway's one connection to the API is in use, and/);
    expect(describeFullQueue(POOL, REQUEST)).toMatch(/^This gateway's 20 connections to the API are all in use, and 100 requests wait for one already\./);
    expect(describeFullQueue({ ...POOL, maxWaiting: 1 }, REQUEST)).toContain('and 1 request waits for one already.');
  });

  it('names the share of uploads and long-lived streams where that is what is spent, and the pool where it is not', () => {
    const spent = { ...POOL, longLived: 5 };
    expect(describeFullPool(spent, { ...REQUEST, isLongLived: true })).toMatch(/^This gateway lets uploads and long-lived streams hold 5 of its 20 connections to the API at once, and all of them are in use, and none became free/);
    expect(describeFullQueue(spent, { ...REQUEST, isLongLived: true })).toContain('are in use, and the queue for them is full.');
    for (const sentence of [describeFullPool(POOL, { ...REQUEST, isLongLived: true }), describeFullPool(spent, REQUEST)]) expect(sentence).toContain('20 connections to the API are all in use');
  });
});
