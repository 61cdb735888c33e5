import { refuse, RETRY_FOR_A_PLACE_SECONDS, type Refusal } from './decide-admission.ts';
import { limitsByName } from './held-limits.ts';
import { DEFAULT_TIMING, type Lease, type Limiter, type LimiterOptions } from './limiter.ts';
import { createCallerCounters, type CallerCounters } from './caller-counters.ts';
import { explainReading } from './token-book.ts';
import { chargeFor, limitWithoutRoom, NO_TOKENS, reservationFor, TOKEN_LIMIT_NAMES, type TokenAmounts } from './token-limits.ts';
import { createTokenRatios } from './token-ratios.ts';
import type { ClientLimits } from '../../config/sections/clients-section.ts';

/** Makes a limiter that counts in this process alone. It waits for nothing and cannot fail: each decision is some additions to the counters of one caller. */
export function createMemoryLimiter(options: LimiterOptions): Limiter {
  const counters = createCallerCounters(1_000 * (options.timing?.windowSeconds ?? DEFAULT_TIMING.windowSeconds));
  let limitsOf = limitsByName(options);
  let [held, reservations] = [0, 0];

  /** Why a request may not run; where it may, it has taken what it needs. In the order of `decideAdmission`. */
  function findRefusal(caller: CallerCounters, limits: ClientLimits): Refusal | undefined {
    if (TOKEN_LIMIT_NAMES.some((name) => limits[name] !== undefined)) {
      const reading = caller.tokens();
      const spent = TOKEN_LIMIT_NAMES.find((name) => reading.used[name] >= (limits[name] ?? Number.POSITIVE_INFINITY));
      if (spent !== undefined) return refuse(spent, reading);
    }
    const { concurrent_requests: places, requests_per_minute: requests } = limits;
    if (places !== undefined && caller.places >= places) return { ok: false, limit: 'concurrent_requests', retryAfterSeconds: RETRY_FOR_A_PLACE_SECONDS };
    if (requests === undefined) return undefined;
    const counted = caller.countRequest();
    return counted.consumed > requests ? refuse('requests_per_minute', counted) : undefined;
  }

  function openLease(clientName: string, caller: CallerCounters, holdsPlace: boolean): Lease {
    let reserved: TokenAmounts | undefined;
    let [isSettled, isReleased] = [false, false];
    held += 1;
    caller.begin(holdsPlace);

    function settle(used: TokenAmounts): void {
      if (isSettled) return;
      isSettled = true;
      if (reserved !== undefined) reservations -= 1;
      caller.settle(reserved ?? NO_TOKENS, chargeFor(used, limitsOf.get(clientName)?.tokens));
    }

    return {
      reserve(bounds) {
        const limits = limitsOf.get(clientName)?.tokens;
        if (limits === undefined || reserved !== undefined || isSettled) return undefined;
        const wanted = reservationFor(bounds, limits);
        const reading = caller.tokens();
        if (limitWithoutRoom(reading, wanted, limits) !== undefined) return explainReading(reading, wanted, limits);
        caller.reserve(wanted);
        reserved = wanted;
        reservations += 1;
        return undefined;
      },
      settle,
      release() {
        settle(NO_TOKENS);
        if (isReleased) return;
        isReleased = true;
        held -= 1;
        caller.end(holdsPlace);
      },
    };
  }

  return {
    needsLimits: (clientName) => limitsOf.has(clientName),
    limitsTokens: (clientName) => limitsOf.get(clientName)?.tokens !== undefined,
    tokenLimitsOf: (clientName) => TOKEN_LIMIT_NAMES.filter((name) => limitsOf.get(clientName)?.tokens?.[name] !== undefined),
    ratios: createTokenRatios(),
    admit(clientName, counterKey = clientName) {
      const limits = limitsOf.get(clientName)?.all;
      const caller = counters.of(counterKey);
      const refusal = limits === undefined ? undefined : findRefusal(caller, limits);
      return refusal ?? { ok: true, lease: openLease(clientName, caller, limits?.concurrent_requests !== undefined) };
    },
    update(clients) { limitsOf = limitsByName({ ...options, clients }); },
    failure: () => undefined,
    ready: () => Promise.resolve(true),
    get held() {
      return held;
    },
    get reservations() {
      return reservations;
    },
    close() { counters.clear(); },
  };
}
