import { performance } from 'node:perf_hooks';
import { createLocalJWKSet, errors, type CryptoKey, type FlattenedJWSInput, type JWK, type JWSHeaderParameters } from 'jose';
import { createFetchAllowance } from './fetch-allowance.ts';
import { fetchKeys, type KeySource } from './fetch-keys.ts';
import { createSoughtKeys } from './sought-keys.ts';

/** The clocks and bounds of an issuer's keys. */
export interface KeyTiming {
  /** How often keys are fetched while all is well. */
  readonly refreshMs: number;
  /** How long it takes until tokens with unknown keys may cause one more fetch, and how long a key counts as absent; also the pause before a fetch that failed is repeated. */
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

/** The keys of an issuer could not be had, or not be asked for again yet, so that nothing is known of a token. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/** The keys of one issuer, fetched when this is made and again and again. */
export interface IssuerKeys {
  /**
   * The key for a token's header. Rejects with `KeysUnavailable`, or with jose's `JWKSNoMatchingKey` when a fetch that began after a token first named
   * the key did not bring it. `beforeFetch` is called where a fetch would be needed: what it throws rejects this at once.
   */
  find(header: JWSHeaderParameters, token: FlattenedJWSInput, beforeFetch?: () => void): Promise<CryptoKey>;
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
  /** When the fetch that brought them began. */
  readonly begunAt: number;
}

/** Makes the keys of an issuer; the first fetch begins at once and nothing waits for it. */
export function createIssuerKeys(issuer: KeySource, { timing: overrides, onChange }: KeysOptions = {}): IssuerKeys {
  const timing = { ...KEY_TIMING, ...overrides };
  const allowance = createFetchAllowance({ burst: timing.burst, refillMs: timing.cooldownMs });
  const sought = createSoughtKeys();
  let held: Held | undefined;
  let generation = 0;
  let failed = false;
  let underWay: Promise<void> | undefined;
  /** The fetch that begins as soon as one is allowed again, for all tokens that need it. */
  let planned: PromiseWithResolvers<void> | undefined;
  let waiters = 0;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function take(keys: readonly JWK[], begunAt: number): void {
    const texts = new Set(keys.map((key) => JSON.stringify(key)));
    if (held !== undefined && [...held.texts].some((text) => !texts.has(text))) generation += 1;
    held = { find: createLocalJWKSet({ keys: [...keys] }), texts, begunAt };
  }

  function note(failure: unknown): void {
    const wasFailing = failed;
    failed = failure !== undefined;
    if (failed !== wasFailing) onChange?.(failure);
  }

  async function fetchOnce(): Promise<void> {
    const begunAt = performance.now();
    try {
      take(await fetchKeys(issuer), begunAt);
      note(undefined);
    } catch (failure) {
      note(failure);
    } finally {
      underWay = undefined;
      if (!isClosed) refreshIn(failed ? timing.cooldownMs : timing.refreshMs);
    }
  }

  function refreshIn(delayMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => void refresh(), delayMs).unref();
  }

  /** One fetch at a time. */
  function refresh(): Promise<void> {
    clearTimeout(timer);
    underWay ??= fetchOnce();
    planned?.resolve(underWay);
    planned = undefined;
    return underWay;
  }

  /** The fetch for a token whose key is not held: the one that is under way, a new one, or the next that may begin. */
  function nextFetch(): Promise<void> {
    if (underWay !== undefined) return underWay;
    if (isClosed) throw new KeysUnavailable('the keys of an issuer are fetched no longer');
    if (allowance.take()) return refresh();
    const delayMs = Math.ceil(allowance.untilNextMs());
    if (planned === undefined) {
      planned = Promise.withResolvers<void>();
      clearTimeout(timer);
      timer = setTimeout(() => {
        allowance.take();
        void refresh();
      }, delayMs).unref();
    }
    // Begun for those who come again: none waits in vain.
    if (delayMs >= timing.waitMs) throw new KeysUnavailable('the keys of an issuer may not be fetched again yet');
    return planned.promise;
  }

  async function waitFor(fetch: Promise<void>, deadline: number): Promise<void> {
    if (waiters >= timing.maxWaiters) throw new KeysUnavailable('too many requests wait for the keys of an issuer');
    waiters += 1;
    let clock: NodeJS.Timeout | undefined;
    try {
      await Promise.race([fetch, new Promise((_resolve, reject) => {
        clock = setTimeout(() => reject(new KeysUnavailable('the keys of an issuer did not come in time')), deadline - performance.now());
      })]);
    } finally {
      clearTimeout(clock);
      waiters -= 1;
    }
  }

  /** The key among those that are held and may still be used. */
  async function findHeld(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey | undefined> {
    if (held === undefined || performance.now() - held.begunAt > timing.staleMs) return undefined;
    try {
      return await held.find(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return undefined;
      throw error;
    }
  }

  /** Looks among the keys of fetches that begin from now on, until one has begun after the key was first named. */
  async function seek(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    const deadline = performance.now() + timing.waitMs;
    const since = sought.since(`${header.alg} ${header.kid ?? ''}`);
    // A key that was absent may have been published later.
    let isSettled = held !== undefined && held.begunAt >= since && !failed && performance.now() - held.begunAt < timing.cooldownMs;
    while (!isSettled) {
      await waitFor(nextFetch(), deadline);
      // Without an answer nothing is known of the key.
      if (failed || held === undefined) throw new KeysUnavailable('the keys of an issuer could not be fetched');
      const key = await findHeld(header, token);
      if (key !== undefined) return key;
      isSettled = held.begunAt >= since;
    }
    throw new errors.JWKSNoMatchingKey();
  }

  void refresh();
  return {
    async find(header, token, beforeFetch) {
      const key = await findHeld(header, token);
      if (key !== undefined) return key;
      // It may have been made with a key that is newer than ours.
      beforeFetch?.();
      return await seek(header, token);
    },
    generation: () => String(generation),
    isFailing: () => failed,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
