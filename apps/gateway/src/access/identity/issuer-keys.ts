import { performance } from 'node:perf_hooks';
import { createLocalJWKSet, errors, type CryptoKey, type FlattenedJWSInput, type JWK, type JWSHeaderParameters } from 'jose';
import { createFetchAllowance } from './fetch-allowance.ts';
import { fetchKeys, type KeySource } from './fetch-keys.ts';

/** The clocks and bounds of an issuer's keys. */
export interface KeyTiming {
  /** How often keys are fetched while all is well. */
  readonly refreshMs: number;
  /** How long it takes until tokens with unknown keys may cause one more fetch; also the pause before a fetch that failed is repeated. */
  readonly cooldownMs: number;
  /** Fetches that tokens with unknown keys may cause at once. */
  readonly burst: number;
  /** Longest wait of a request for a fetch. */
  readonly waitMs: number;
  /** Requests that wait for one fetch at most. */
  readonly maxWaiters: number;
  /** How long keys are used while no new ones can be had. */
  readonly staleMs: number;
}

/** The clocks as they are documented. */
export const KEY_TIMING: KeyTiming = Object.freeze({ refreshMs: 600_000, cooldownMs: 10_000, burst: 3, waitMs: 2_000, maxWaiters: 256, staleMs: 86_400_000 });

/** The keys of an issuer could not be had, so that nothing is known of a token. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/** The keys of one issuer, fetched when this is made and again and again. */
export interface IssuerKeys {
  /** The key for a token's header. Rejects with `KeysUnavailable`, or with an error of jose's when the issuer has none for it. */
  find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey>;
  /** Changes when a key is withdrawn: what an earlier one verified must be verified again. */
  generation(): string;
  /** Whether the last fetch failed. */
  isFailing(): boolean;
  close(): void;
}

/** What a fetch reports. */
export interface KeysOptions {
  readonly timing?: Partial<KeyTiming>;
  /** Called when fetching begins to fail, and when it succeeds again. */
  readonly onChange?: (failure: unknown) => void;
}

interface Held {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  readonly texts: ReadonlySet<string>;
  readonly fetchedAt: number;
}

/** Makes the keys of an issuer; the first fetch begins at once and nothing waits for it. */
export function createIssuerKeys(issuer: KeySource, { timing: overrides, onChange }: KeysOptions = {}): IssuerKeys {
  const timing = { ...KEY_TIMING, ...overrides };
  const allowance = createFetchAllowance({ burst: timing.burst, refillMs: timing.cooldownMs });
  let held: Held | undefined;
  let generation = 0;
  let failed = false;
  let underWay: Promise<void> | undefined;
  let waiters = 0;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function take(keys: readonly JWK[]): void {
    const texts = new Set(keys.map((key) => JSON.stringify(key)));
    if (held !== undefined && [...held.texts].some((text) => !texts.has(text))) generation += 1;
    held = { find: createLocalJWKSet({ keys: [...keys] }), texts, fetchedAt: performance.now() };
  }

  function note(failure: unknown): void {
    const wasFailing = failed;
    failed = failure !== undefined;
    if (failed !== wasFailing) onChange?.(failure);
  }

  async function fetchOnce(): Promise<void> {
    try {
      take(await fetchKeys(issuer));
      note(undefined);
    } catch (failure) {
      note(failure);
    } finally {
      underWay = undefined;
      if (!isClosed) timer = setTimeout(() => void refresh(), failed ? timing.cooldownMs : timing.refreshMs).unref();
    }
  }

  /** One fetch at a time. */
  function refresh(): Promise<void> {
    clearTimeout(timer);
    return (underWay ??= fetchOnce());
  }

  /** The fetch for a token whose key is not held: the one that is under way, or a new one; `undefined` where none may begin. */
  function refreshFor(key: string): Promise<void> | undefined {
    if (underWay !== undefined) return underWay;
    return isClosed || !allowance.take(key) ? undefined : refresh();
  }

  async function waitFor(fetch: Promise<void>): Promise<void> {
    if (waiters >= timing.maxWaiters) throw new KeysUnavailable('too many requests wait for the keys of an issuer');
    waiters += 1;
    let clock: NodeJS.Timeout | undefined;
    try {
      await Promise.race([fetch, new Promise((_resolve, reject) => {
        clock = setTimeout(() => reject(new KeysUnavailable('the keys of an issuer did not come in time')), timing.waitMs);
      })]);
    } finally {
      clearTimeout(clock);
      waiters -= 1;
    }
  }

  /** Keys that may be used: fetched within the time that they may be stale. */
  async function usable(key: string): Promise<Held> {
    if (held !== undefined && performance.now() - held.fetchedAt <= timing.staleMs) return held;
    const fetch = refreshFor(key);
    if (fetch !== undefined) await waitFor(fetch);
    if (held === undefined || performance.now() - held.fetchedAt > timing.staleMs) throw new KeysUnavailable('the keys of an issuer could not be fetched');
    return held;
  }

  void refresh();
  return {
    async find(header, token) {
      const key = `${header.alg} ${header.kid ?? ''}`;
      const first = await usable(key);
      try {
        return await first.find(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      }
      // It may have been made with a key that is newer than ours.
      const isOurs = underWay === undefined;
      const fetch = refreshFor(key);
      if (fetch !== undefined) await waitFor(fetch);
      // Without an answer nothing is known of the key.
      if (failed) throw new KeysUnavailable('the keys of an issuer could not be fetched');
      const { find } = held ?? first;
      try {
        return await find(header, token);
      } catch (error) {
        // A fetch that others began may have been answered before the key was published.
        if (error instanceof errors.JWKSNoMatchingKey && isOurs && fetch !== undefined) allowance.noteAbsent(key);
        throw error;
      }
    },
    generation: () => String(generation),
    isFailing: () => failed,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
