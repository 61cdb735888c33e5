import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLimiter } from '../../../src/access/limits/create-limiter.ts';
import type { Admission, Lease, Limiter, LimiterOptions } from '../../../src/access/limits/limiter.ts';
import type { TokenAmounts } from '../../../src/access/limits/token-limits.ts';
import { CLIENT_LIMIT_NAMES, type ClientLimits } from '../../../src/config/sections/clients-section.ts';

let limiter: Limiter;

function start(limits: ClientLimits | undefined, options: Partial<LimiterOptions> = {}): Limiter {
  limiter = createLimiter({ clients: [{ name: 'a', limits }, { name: 'b', limits }, { name: 'free' }], store: 'memory', scope: 'native', ...options });
  return limiter;
}

async function admitted(clientName = 'a'): Promise<Lease> {
  const admission = await limiter.admit(clientName);
  if (!admission.ok) throw new Error(`refused: ${admission.limit}`);
  return admission.lease;
}

async function countAdmitted(attempts: number, clientName = 'a'): Promise<number> {
  const admissions: Admission[] = await Promise.all(Array.from({ length: attempts }, async () => limiter.admit(clientName)));
  return admissions.filter(({ ok }) => ok).length;
}

function tokens(input: number, output: number): TokenAmounts {
  return { input_tokens_per_minute: input, output_tokens_per_minute: output };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  limiter.close();
  vi.useRealTimers();
});

describe('a client without limits', () => {
  it('needs no admission, and gets one that counts nothing', async () => {
    start({ concurrent_requests: 1 });
    expect(limiter.needsLimits('free')).toBe(false);
    expect(limiter.needsLimits('unknown')).toBe(false);
    expect(await countAdmitted(100, 'free')).toBe(100);
    expect(start({}).needsLimits('a')).toBe(false);
  });
});

describe('every limit', () => {
  it.each(CLIENT_LIMIT_NAMES)('%s refuses the request above it and names itself, also in a worker\'s part (a limit that the configuration takes is enforced)', async (limit) => {
    start({ [limit]: 2 }, { share: { index: 1, count: 2 } });
    const lease = await admitted();
    expect(await lease.reserve(tokens(1, 1))).toBeUndefined();
    lease.settle(tokens(1, 1));
    expect(await limiter.admit('a')).toMatchObject({ ok: false, limit });
    lease.release();
  });
});

describe('concurrent_requests', () => {
  it('are refused above the limit until a place is given back, each client for itself', async () => {
    start({ concurrent_requests: 2 });
    const leases = [await admitted(), await admitted()];
    expect(await limiter.admit('a')).toEqual({ ok: false, limit: 'concurrent_requests', retryAfterSeconds: 1 });
    await admitted('b');
    leases[0]?.release();
    await admitted();
    expect(await countAdmitted(5)).toBe(0);
  });

  it('a place is given back exactly once, however often release is called (an abort and an end may both come)', async () => {
    start({ concurrent_requests: 1 });
    const lease = await admitted();
    lease.release();
    lease.release();
    lease.release();
    expect(limiter.held).toBe(0);
    expect(await countAdmitted(5)).toBe(1);
  });

  it('concurrent_requests: of many simultaneous requests exactly the limit is admitted', async () => {
    start({ concurrent_requests: 7 });
    expect(await countAdmitted(100)).toBe(7);
  });
});

describe('requests_per_minute', () => {
  it('admit the limit in a minute, say when the next begins, and then admit again', async () => {
    start({ requests_per_minute: 10 });
    expect(await countAdmitted(25)).toBe(10);
    await vi.advanceTimersByTimeAsync(17_500);
    expect(await limiter.admit('a')).toEqual({ ok: false, limit: 'requests_per_minute', retryAfterSeconds: 43 });
    await vi.advanceTimersByTimeAsync(42_501);
    expect(await countAdmitted(25)).toBe(10);
  });

  it('say at most a minute, also when the clock on the wall was set back', async () => {
    start({ requests_per_minute: 1 });
    await admitted();
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(await limiter.admit('a')).toEqual({ ok: false, limit: 'requests_per_minute', retryAfterSeconds: 60 });
  });

  it('a request that is refused for another reason does not use up the minute, nor keep a place', async () => {
    start({ concurrent_requests: 1, requests_per_minute: 2 });
    const lease = await admitted();
    expect(await countAdmitted(50)).toBe(0);
    lease.release();
    (await admitted()).release();
    expect(await limiter.admit('a')).toMatchObject({ limit: 'requests_per_minute' });
    await vi.advanceTimersByTimeAsync(60_001);
    (await admitted()).release();
  });
});

describe('tokens a minute', () => {
  it('are charged when they are known; a client is refused while its minute is spent', async () => {
    start({ input_tokens_per_minute: 100, output_tokens_per_minute: 50 });
    const lease = await admitted();
    lease.settle(tokens(99, 49));
    lease.release();
    const second = await admitted();
    second.settle(tokens(0, 500));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await limiter.admit('a')).toEqual({ ok: false, limit: 'output_tokens_per_minute', retryAfterSeconds: 59 });
    await vi.advanceTimersByTimeAsync(60_000);
    const third = await admitted();
    third.settle(tokens(100, Number.NaN));
    expect(await limiter.admit('a')).toMatchObject({ limit: 'input_tokens_per_minute' });
    await admitted('b');
  });

  it('are reserved at most to the whole limit: a bound above it runs only alone', async () => {
    start({ output_tokens_per_minute: 1000 });
    const admissions = await Promise.all(Array.from({ length: 60 }, async () => (await admitted()).reserve(tokens(0, 5_000))));
    expect(admissions.filter((refusal) => refusal === undefined)).toHaveLength(1);
    expect(admissions.at(-1)).toEqual({ ok: false, limit: 'output_tokens_per_minute', retryAfterSeconds: 1 });
  });

  it('reserved tokens: admit requests up to the limit, and are replaced by the tokens that were used', async () => {
    start({ output_tokens_per_minute: 1000 });
    const leases = await Promise.all(Array.from({ length: 20 }, () => admitted()));
    const refusals = await Promise.all(leases.map(async (lease) => lease.reserve(tokens(0, 150))));
    expect(refusals.filter((refusal) => refusal === undefined)).toHaveLength(6);
    for (const lease of leases.slice(0, 6)) lease.settle(tokens(0, 10));
    expect(await (await admitted()).reserve(tokens(0, 940))).toBeUndefined();
    expect(limiter.reservations).toBe(1);
  });

  it('used tokens: a bound above the limit waits for the next minute, behind reserved tokens for a second', async () => {
    start({ input_tokens_per_minute: 1000, output_tokens_per_minute: 1000 });
    (await admitted()).settle(tokens(1, 1));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await (await admitted()).reserve(tokens(1, 5_000))).toEqual({ ok: false, limit: 'output_tokens_per_minute', retryAfterSeconds: 40 });
    expect(await (await admitted()).reserve(tokens(900, 0))).toBeUndefined();
    expect(await (await admitted()).reserve(tokens(900, 1))).toEqual({ ok: false, limit: 'input_tokens_per_minute', retryAfterSeconds: 1 });
    await vi.advanceTimersByTimeAsync(40_000);
    // The minute is over, the request that holds input tokens is not.
    expect(await (await admitted()).reserve(tokens(0, 5_000))).toBeUndefined();
    expect(await (await admitted()).reserve(tokens(900, 0))).toMatchObject({ limit: 'input_tokens_per_minute' });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1])('a bound of %d is the whole limit (it bounds nothing)', async (bound) => {
    start({ output_tokens_per_minute: 1000 });
    expect(await (await admitted()).reserve(tokens(0, bound))).toBeUndefined();
    expect(await (await admitted()).reserve(tokens(0, 1))).toMatchObject({ limit: 'output_tokens_per_minute' });
  });

  it('are given back exactly once, whatever ends the request and however often', async () => {
    start({ output_tokens_per_minute: 100 });
    const lease = await admitted();
    await lease.reserve(tokens(0, 100));
    lease.settle(tokens(0, 30));
    lease.settle(tokens(0, 30));
    lease.release();
    lease.release();
    expect(await (await admitted()).reserve(tokens(0, 70))).toBeUndefined();
    const abandoned = await admitted();
    expect(await abandoned.reserve(tokens(0, 1))).toMatchObject({ ok: false });
    abandoned.release();
    expect(limiter.reservations).toBe(1);
  });

  it('are still given back when the limit was taken away meanwhile', async () => {
    start({ output_tokens_per_minute: 100 });
    const lease = await admitted();
    await lease.reserve(tokens(0, 100));
    limiter.update([{ name: 'a', limits: { requests_per_minute: 9 } }]);
    lease.settle(tokens(0, 30));
    limiter.update([{ name: 'a', limits: { output_tokens_per_minute: 100 } }]);
    expect(await (await admitted()).reserve(tokens(0, 100))).toBeUndefined();
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -5, 0, 0.5])('are not charged when their number is %d (an upstream cannot give a client tokens, nor spend its minute for ever)', async (number) => {
    start({ input_tokens_per_minute: 10, output_tokens_per_minute: 10 });
    (await admitted()).settle(tokens(number, number));
    expect(await (await admitted()).reserve(tokens(10, 10))).toBeUndefined();
  });

  it('token limits: limitsTokens() is true for the clients that have them (their responses must be readable)', () => {
    start({ output_tokens_per_minute: 5 });
    expect(limiter.limitsTokens('a')).toBe(true);
    expect(limiter.limitsTokens('free')).toBe(false);
    limiter.close();
    expect(start({ input_tokens_per_minute: 5 }).limitsTokens('a')).toBe(true);
    limiter.close();
    expect(start({ requests_per_minute: 5 }).limitsTokens('a')).toBe(false);
  });
});

describe('workers', () => {
  it('reserve from their own part of a limit', async () => {
    start({ output_tokens_per_minute: 1000 }, { share: { index: 1, count: 4 } });
    expect(await (await admitted()).reserve(tokens(0, 200))).toBeUndefined();
    expect(await (await admitted()).reserve(tokens(0, 51))).toMatchObject({ ok: false });
    expect(await (await admitted()).reserve(tokens(0, 50))).toBeUndefined();
  });

  it('divide limits in memory between them, and no worker is left without', async () => {
    start({ requests_per_minute: 5 }, { share: { index: 0, count: 2 } });
    expect(await countAdmitted(10)).toBe(3);
    limiter.close();
    start({ requests_per_minute: 5 }, { share: { index: 1, count: 2 } });
    expect(await countAdmitted(10)).toBe(2);
    limiter.close();
    start({ requests_per_minute: 1 }, { share: { index: 3, count: 4 } });
    expect(await countAdmitted(10)).toBe(1);
  });
});

describe('update', () => {
  it('takes new limits at once, keeps what was counted, and leaves running leases alone', async () => {
    start({ concurrent_requests: 3, requests_per_minute: 5 });
    const leases = [await admitted(), await admitted(), await admitted()];
    limiter.update([{ name: 'a', limits: { concurrent_requests: 2, requests_per_minute: 4 } }]);
    expect(limiter.held).toBe(3);
    leases[0]?.release();
    expect(await limiter.admit('a')).toMatchObject({ limit: 'concurrent_requests' });
    leases[1]?.release();
    await admitted();
    leases[2]?.release();
    expect(await limiter.admit('a')).toMatchObject({ limit: 'requests_per_minute' });
    limiter.update([{ name: 'a' }]);
    expect(limiter.needsLimits('a')).toBe(false);
    expect(await countAdmitted(10)).toBe(10);
  });
});
