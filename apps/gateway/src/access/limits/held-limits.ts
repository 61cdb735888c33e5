import { divideLimits } from '../../config/worker-share.ts';
import type { ClientLimits } from '../../config/sections/clients-section.ts';
import type { LimiterOptions } from './limiter.ts';
import { tokenLimitsOf, type TokenLimits } from './token-limits.ts';

/** What this process holds a client to. */
export interface HeldLimits {
  readonly all: ClientLimits;
  /** Absent for a client whose tokens are not limited. */
  readonly tokens: TokenLimits | undefined;
}

/** The limits that this process holds, of the clients that have any. */
export function limitsByName({ clients, store, share = { index: 0, count: 1 } }: LimiterOptions): ReadonlyMap<string, HeldLimits> {
  return new Map(clients.flatMap(({ name, limits }): [string, HeldLimits][] => {
    if (limits === undefined || Object.values(limits).every((limit) => limit === undefined)) return [];
    const all = store === 'memory' ? divideLimits(limits, share) : limits;
    return [[name, { all, tokens: tokenLimitsOf(all) }]];
  }));
}
