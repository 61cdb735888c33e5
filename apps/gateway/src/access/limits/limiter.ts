import type { Refusal } from './decide-admission.ts';
import type { StoreOperation } from './lease-book.ts';
import type { TokenLease } from './token-book.ts';
import type { TokenLimitName } from './token-limits.ts';
import type { TokenRatios } from './token-ratios.ts';
import type { WorkerShare } from '../../config/worker-share.ts';
import type { ClientConfig } from '../../config/sections/clients-section.ts';
import type { StoreFailurePolicy } from '../../config/sections/limits-section.ts';
import type { Side } from '../../request/request-record.ts';

/** What a limiter counts, where, and what happens when the store is down. */
export interface LimiterOptions {
  readonly clients: readonly Pick<ClientConfig, 'name' | 'limits'>[];
  /** `memory`, or a redis:// or rediss:// URL. */
  readonly store: string;
  /** Each side counts for itself. */
  readonly scope: Side;
  /** `open` admits while the store is down, `closed` refuses. @defaultValue 'open' */
  readonly failurePolicy?: StoreFailurePolicy;
  /** Called for every step that the store failed at, each admission decided without it included. Errors it throws are ignored. */
  readonly onStoreFailure?: (failure: { readonly operation: StoreOperation; readonly error: unknown }) => void;
  /** This worker among the gateway's; memory limits are divided by it. @defaultValue { index: 0, count: 1 } */
  readonly share?: WorkerShare;
  /** Overrides for tests. */
  readonly timing?: Partial<LimiterTiming>;
}

/** The clocks of a limiter. */
export interface LimiterTiming {
  /** The window of the per-minute limits. */
  readonly windowSeconds: number;
  /** Longest time an admission waits for the store. */
  readonly storeTimeoutMs: number;
  /** Life of a place that is not renewed; it is renewed three times in that span. */
  readonly leaseTtlMs: number;
  /** How often a store that fails is asked whether it is back, beside requests. */
  readonly probeEveryMs: number;
}

/** The clocks as they are documented. */
export const DEFAULT_TIMING: LimiterTiming = Object.freeze({ windowSeconds: 60, storeTimeoutMs: 250, leaseTtlMs: 30_000, probeEveryMs: 5_000 });

/** One admitted request. */
export interface Lease extends TokenLease {
  /** Gives the place back, and what is still reserved; every call after the first does nothing. */
  release(): void;
}

/** Whether a request may run. */
export type Admission = { readonly ok: true; readonly lease: Lease } | Refusal;

/** Limits what each client may use at once and a minute. */
export interface Limiter {
  /** Whether a client has limits; without, `admit` need not be called. */
  needsLimits(clientName: string): boolean;
  /** Whether a client's tokens are limited, so that its responses must be readable. */
  limitsTokens(clientName: string): boolean;
  /** The token limits that a client has. */
  tokenLimitsOf(clientName: string): readonly TokenLimitName[];
  /** Bytes a token by what was seen of each model. */
  readonly ratios: TokenRatios;
  /**
   * Decides on one request by the limits that a name has, counted by a key: several persons have the limits of one policy, each for itself.
   * Never rejects, and settles within the store's timeout; where limits are counted in memory it is no promise.
   * @defaultValue the name is the key
   */
  admit(clientName: string, counterKey?: string): Admission | Promise<Admission>;
  /** Takes new limits; running leases keep their places. */
  update(clients: LimiterOptions['clients'], failurePolicy?: StoreFailurePolicy): void;
  /** The store fails, since when, and what becomes of requests; asked at the start, by each admission, and again while it fails. */
  failure(): { readonly since: number; readonly policy: StoreFailurePolicy } | undefined;
  /** Resolves to whether the store is reachable, within about a second. */
  ready(): Promise<boolean>;
  /** Leases held now, by all clients of this process. */
  readonly held: number;
  /** Leases that hold tokens now. */
  readonly reservations: number;
  /** Disconnects. Places still held expire by themselves. */
  close(): void;
}
