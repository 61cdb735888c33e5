import { isDeepStrictEqual } from 'node:util';
import { CloudCredentialError, describeFailure, isCloudCredentialError } from '../cloud-credential-error.ts';
import type { CredentialState, CredentialStatus, RenewalOptions } from '../cloud-credential.ts';

/** Renewed this long before its expiry, or when four fifths of its life are over if that is later. Milliseconds. */
export const RENEW_AHEAD_MS = 300_000;
/** The least span between two renewals of which the first failed, and between those that refusals of the cloud cause. Milliseconds. */
export const RETRY_AFTER_MS = 1_000;
export const REFUSED_AFTER_MS = 10_000;
/** The longest a source may take, whatever it waits for. Milliseconds. */
export const FETCH_TIMEOUT_MS = 10_000;

/** A value and when it expires, in Unix milliseconds. */
export interface Expiring<T> {
  readonly value: T;
  readonly expiresAt: number | undefined;
}

/** Where values come from. */
export interface ValueSource<T> {
  /** What errors name it by. */
  readonly name: string;
  /** Loads the library of the source: on a busy machine that takes seconds, which are not those of a server. */
  load?(): Promise<unknown>;
  /** Aborted when the time is over, or the value is closed. */
  fetch(signal: AbortSignal): Promise<Expiring<T>>;
  /** After what span a value without an expiry is renewed, in milliseconds. Absent: never. */
  readonly refreshMs?: number;
}

/**
 * A value that is fetched when it is first wanted, and renewed by requests ahead of its expiry. One fetch runs at a time, for all requests that wait for it. While a
 * renewal fails, the value is used until it expires; after that, and before there is one, the failure is that of each request, for a second at a time.
 */
export class RenewedValue<T> {
  readonly #source: ValueSource<T>;
  readonly #now: () => number;
  readonly #onStatus: ((status: CredentialStatus) => void) | undefined;
  readonly #onReplaced: (() => void) | undefined;
  #current: Expiring<T> | undefined;
  #renewAt = 0;
  #fetching: Promise<T> | undefined;
  #abort: AbortController | undefined;
  #error: CloudCredentialError | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  #reported = 'idle';

  constructor(source: ValueSource<T>, { now = Date.now, onStatus, onReplaced }: RenewalOptions) {
    this.#source = source;
    this.#now = now;
    this.#onStatus = onStatus;
    this.#onReplaced = onReplaced;
  }

  /** The value: at once while there is one that has not expired. Throws, or rejects with, a `CloudCredentialError`. */
  get(): T | Promise<T> {
    const now = this.#now();
    const { value, expiresAt = Number.POSITIVE_INFINITY } = this.#current ?? {};
    const mayFetch = this.#fetching !== undefined || now - this.#failedAt >= RETRY_AFTER_MS || now < this.#failedAt;
    if (this.#current !== undefined && now < expiresAt) {
      if ((now >= this.#renewAt || this.#wasSetBack(now)) && mayFetch) void this.#fetch().catch(() => undefined);
      return value as T;
    }
    if (!mayFetch && this.#error !== undefined) throw this.#error;
    return this.#fetch();
  }

  /** Fetches it anew, whatever there is. */
  async renew(): Promise<void> {
    await this.#fetch();
  }

  /** The next `get` renews it, unless that was done within 10 seconds. */
  refused(): void {
    const now = this.#now();
    if (now - this.#renewedAt >= REFUSED_AFTER_MS || this.#wasSetBack(now)) this.#renewAt = 0;
  }

  status(): CredentialStatus {
    return { state: this.#state(), expiresAt: this.#current?.expiresAt, error: this.#error };
  }

  close(): void {
    this.#isClosed = true;
    this.#current = undefined;
    this.#abort?.abort();
  }

  /** How long ago the value was renewed is then not known: it may be any time. */
  #wasSetBack(now: number): boolean {
    return now < this.#renewedAt;
  }

  #state(): CredentialState {
    const hasValue = this.#current !== undefined && this.#now() < (this.#current.expiresAt ?? Number.POSITIVE_INFINITY);
    if (hasValue) return this.#error === undefined ? 'ready' : 'stale';
    return this.#error === undefined ? 'idle' : 'failed';
  }

  #fetch(): Promise<T> {
    if (this.#isClosed) return Promise.reject(this.#closed());
    this.#fetching ??= this.#fetchOnce().finally(() => { this.#fetching = undefined; this.#report(); });
    return this.#fetching;
  }

  async #fetchOnce(): Promise<T> {
    const abort = new AbortController();
    this.#abort = abort;
    const stopped = Promise.withResolvers<never>();
    stopped.promise.catch(() => undefined);
    abort.signal.addEventListener('abort', () => { stopped.reject(this.#closed()); });
    let timer: NodeJS.Timeout | undefined;
    try {
      if (this.#source.load !== undefined) await Promise.race([this.#source.load(), stopped.promise]);
      // Sources are libraries, too, which end when they like; what they give after that is dropped.
      timer = setTimeout(() => { stopped.reject(new CloudCredentialError('timeout', `${this.#source.name} took more than ${FETCH_TIMEOUT_MS / 1000} seconds`)); abort.abort(); }, FETCH_TIMEOUT_MS);
      const fetched = await Promise.race([this.#source.fetch(abort.signal), stopped.promise]);
      this.#accept(fetched);
      return fetched.value;
    } catch (error) {
      const failure = isCloudCredentialError(error) ? error : new CloudCredentialError('unavailable', `${this.#source.name} gave no credential (${describeFailure(error)})`);
      if (this.#isClosed) throw this.#closed();
      this.#failedAt = this.#now();
      this.#error = failure;
      throw failure;
    } finally {
      clearTimeout(timer);
      this.#abort = undefined;
    }
  }

  #accept(fetched: Expiring<T>): void {
    if (this.#isClosed) throw this.#closed();
    const now = this.#now();
    const { expiresAt } = fetched;
    if (expiresAt !== undefined && !(expiresAt > now)) throw new CloudCredentialError('expired', `${this.#source.name} gave a credential that has expired`);
    const isOther = this.#current !== undefined && !isDeepStrictEqual(this.#current.value, fetched.value);
    this.#current = fetched;
    this.#error = undefined;
    this.#renewedAt = now;
    const { refreshMs = Number.POSITIVE_INFINITY } = this.#source;
    this.#renewAt = expiresAt === undefined ? now + refreshMs : Math.max(expiresAt - RENEW_AHEAD_MS, now + (expiresAt - now) * 0.8);
    if (isOther) this.#onReplaced?.();
  }

  #closed(): CloudCredentialError {
    return new CloudCredentialError('closed', `${this.#source.name} was closed`);
  }

  #report(): void {
    if (this.#isClosed) return;
    const status = this.status();
    const reported = `${status.state} ${status.error?.code ?? ''}`;
    if (reported === this.#reported) return;
    this.#reported = reported;
    this.#onStatus?.(status);
  }
}
