import type { ClientLimitName, ClientLimits } from '../../config/sections/clients-section.ts';

/** Which worker this is, from 0, and of how many. */
export interface WorkerShare {
  readonly index: number;
  readonly count: number;
}

/** A worker's part of a whole, the remainder going to the first ones; never less than one. */
export function divideShare(total: number, { index, count }: WorkerShare): number {
  return Math.max(1, Math.floor(total / count) + (index < total % count ? 1 : 0));
}

/** A worker's part of a client's limits, for counters in memory. */
export function divideLimits(limits: ClientLimits, share: WorkerShare): ClientLimits {
  const part = (total: number | undefined): number | undefined => (total === undefined ? undefined : divideShare(total, share));
  const parts: Record<ClientLimitName, number | undefined> = {
    concurrent_requests: part(limits.concurrent_requests),
    requests_per_minute: part(limits.requests_per_minute),
    input_tokens_per_minute: part(limits.input_tokens_per_minute),
    output_tokens_per_minute: part(limits.output_tokens_per_minute),
  };
  return parts;
}
