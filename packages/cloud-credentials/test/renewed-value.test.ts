import { describe, expect, it, vi } from 'vitest';
import type { CloudCredentialError, CredentialStatus } from '../src/index.ts';
import { FETCH_TIMEOUT_MS, REFUSED_AFTER_MS, RENEW_AHEAD_MS, RenewedValue, RETRY_AFTER_MS, type Expiring } from '../src/token/renewed-value.ts';

const HOUR = 3_600_000;
/** What comes by itself comes late on a busy machine. */
const WAIT = { timeout: 60_000 };

/** A value whose fetches a test settles, on a clock of the test. */
function startValue(refreshMs?: number): { readonly value: RenewedValue<string>; readonly fetches: PromiseWithResolvers<Expiring<string>>[]; readonly signals: AbortSignal[]; readonly seen: string[]; now: number } {
  const world = { now: 1_000_000 };
  const fetches: PromiseWithResolvers<Expiring<string>>[] = [];
  const signals: AbortSignal[] = [];
  const seen: string[] = [];
  const value = new RenewedValue<string>({
    name: 'the source', ...(refreshMs === undefined ? {} : { refreshMs }),
    fetch: (signal) => { const one = Promise.withResolvers<Expiring<string>>(); fetches.push(one); signals.push(signal); return one.promise; },
  }, { now: () => world.now, onStatus: ({ state, error }: CredentialStatus) => { seen.push(`${state} ${error?.code ?? ''}`.trim()); } });
  return Object.assign(world, { value, fetches, signals, seen });
}

describe('a value that is renewed', () => {
  it('is fetched once for all that wait, and given at once after that', async () => {
    const world = startValue();
    const all = [world.value.get(), world.value.get(), world.value.get()];
    world.fetches[0]?.resolve({ value: 'first', expiresAt: world.now + HOUR });
    expect(await Promise.all(all.map((one) => Promise.resolve(one)))).toEqual(['first', 'first', 'first']);
    expect([world.value.get(), world.fetches.length, world.value.status().state]).toEqual(['first', 1, 'ready']);
  });

  it.each([[HOUR, HOUR - RENEW_AHEAD_MS], [100_000, 80_000]])('of a life of %i ms is renewed from %i ms on, by one request, while others use it', async (life, from) => {
    const world = startValue();
    const first = world.value.get();
    world.fetches[0]?.resolve({ value: 'first', expiresAt: world.now + life });
    await first;
    world.now += from - 1;
    expect([world.value.get(), world.fetches.length]).toEqual(['first', 1]);
    world.now += 1;
    expect([world.value.get(), world.value.get(), world.fetches.length]).toEqual(['first', 'first', 2]);
    world.fetches[1]?.resolve({ value: 'second', expiresAt: world.now + life });
    await vi.waitFor(() => { expect(world.value.get()).toBe('second'); }, WAIT);
  });

  it.each([['that never expires', undefined], ['with its end', 10 * HOUR]])('of a source %s is renewed where the clock was set back, and where it is refused then: how old it is is not known', async (_name, life) => {
    const world = startValue(300_000);
    const first = world.value.get();
    world.fetches[0]?.resolve({ value: 'first', expiresAt: life === undefined ? undefined : world.now + life });
    await first;
    world.now -= HOUR;
    expect([world.value.get(), world.value.get(), world.fetches.length]).toEqual(['first', 'first', 2]);
    world.fetches[1]?.resolve({ value: 'second', expiresAt: life === undefined ? undefined : world.now + life });
    await vi.waitFor(() => { expect(world.value.get()).toBe('second'); }, WAIT);
    // Once: the new value has an age.
    expect([world.value.get(), world.fetches.length]).toEqual(['second', 2]);
  });

  it('is used while its renewal fails, until it expires; then each request fails with the reason, which is asked for once a second', async () => {
    const world = startValue();
    const first = world.value.get();
    world.fetches[0]?.resolve({ value: 'first', expiresAt: world.now + 100_000 });
    await first;
    world.now += 90_000;
    expect(world.value.get()).toBe('first');
    world.fetches[1]?.reject(new Error('secret'));
    await vi.waitFor(() => { expect(world.value.status().state).toBe('stale'); }, WAIT);
    expect([world.value.get(), world.fetches.length]).toEqual(['first', 2]);
    world.now += 10_000;
    const failed = world.value.get() as Promise<string>;
    world.fetches[2]?.reject(new Error('secret'));
    await expect(failed).rejects.toMatchObject({ code: 'unavailable', message: 'the source gave no credential (Error)' });
    expect(() => world.value.get()).toThrow('the source gave no credential');
    expect(world.fetches.length).toBe(3);
    world.now += RETRY_AFTER_MS;
    void (world.value.get() as Promise<string>).catch(() => undefined);
    expect([world.fetches.length, world.seen]).toEqual([4, ['ready', 'stale unavailable', 'failed unavailable']]);
    world.value.close();
  });

  it.each([['that has expired', -1], ['of a life below nothing', -HOUR], ['whose expiry is no number', Number.NaN]])('is refused where the source gives one %s', async (_what, life) => {
    const world = startValue();
    const first = world.value.get() as Promise<string>;
    world.fetches[0]?.resolve({ value: 'secret', expiresAt: world.now + life });
    const error = await first.then(() => undefined, (thrown: unknown) => thrown as CloudCredentialError);
    expect([error?.code, error?.message.includes('secret')]).toEqual(['expired', false]);
  });

  it('is renewed after a refusal, at most once in ten seconds', async () => {
    const world = startValue();
    const first = world.value.get();
    world.fetches[0]?.resolve({ value: 'first', expiresAt: undefined });
    await first;
    world.value.refused();
    expect([world.value.get(), world.fetches.length]).toEqual(['first', 1]);
    world.now += REFUSED_AFTER_MS;
    world.value.refused();
    expect([world.value.get(), world.fetches.length]).toEqual(['first', 2]);
    world.value.close();
  });

  it('is reported as replaced before a request gets the new one, and not where the source gives the same again', async () => {
    let replaced = 0;
    const given = [{ key: 'first' }, { key: 'first' }, { key: 'second' }];
    const value = new RenewedValue<{ key: string }>({ name: 'the source', fetch: () => Promise.resolve({ value: given.shift() ?? { key: 'third' }, expiresAt: undefined }) }, { onReplaced: () => { replaced += 1; } });
    const seen: unknown[] = [];
    for (let count = 0; count < 3; count += 1) {
      await value.renew();
      seen.push([replaced, (await value.get()).key]);
    }
    expect(seen).toEqual([[0, 'first'], [0, 'first'], [1, 'second']]);
  });

  it('without an expiry is renewed after the span of its source', async () => {
    const world = startValue(300_000);
    const first = world.value.get();
    world.fetches[0]?.resolve({ value: 'first', expiresAt: undefined });
    await first;
    world.now += 299_999;
    expect([world.value.get(), world.fetches.length]).toEqual(['first', 1]);
    world.now += 1;
    expect([world.value.get(), world.fetches.length]).toEqual(['first', 2]);
    world.value.close();
  });

  it('of a source that hangs fails when the time is over, and the source is told to stop by its signal', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const world = startValue();
      const first = world.value.get() as Promise<string>;
      const failed = expect(first).rejects.toMatchObject({ code: 'timeout' });
      vi.advanceTimersByTime(FETCH_TIMEOUT_MS - 1);
      expect(world.signals[0]?.aborted).toBe(false);
      vi.advanceTimersByTime(1);
      await failed;
      expect(world.signals[0]?.aborted).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends what waits for it when it is closed, and gives nothing after that', async () => {
    const world = startValue();
    const first = world.value.get() as Promise<string>;
    world.value.close();
    await expect(first).rejects.toMatchObject({ code: 'closed' });
    world.fetches[0]?.resolve({ value: 'late', expiresAt: undefined });
    await expect(world.value.get()).rejects.toMatchObject({ code: 'closed' });
    expect([world.fetches.length, world.seen]).toEqual([1, []]);
  });
});
