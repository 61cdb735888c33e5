import type { ClientLimits } from '../../config/sections/clients-section.ts';

/** The limits that are counted in tokens. */
export type TokenLimitName = 'input_tokens_per_minute' | 'output_tokens_per_minute';

/** Tokens by the limit that counts them; whole numbers. */
export type TokenAmounts = Readonly<Record<TokenLimitName, number>>;

/** The token limits of one client; `undefined` is no limit. */
export type TokenLimits = Readonly<Record<TokenLimitName, number | undefined>>;

/** In the order in which stores keep the amounts. */
export const TOKEN_LIMIT_NAMES: readonly TokenLimitName[] = ['input_tokens_per_minute', 'output_tokens_per_minute'];

export const NO_TOKENS: TokenAmounts = Object.freeze({ input_tokens_per_minute: 0, output_tokens_per_minute: 0 });

/** More tokens than any request has; what an upstream reports above it is counted as this many. */
const MOST_TOKENS = 1_000_000_000_000;

/** The token limits of a client; `undefined` when it has none. */
export function tokenLimitsOf(limits: ClientLimits | undefined): TokenLimits | undefined {
  if (limits?.input_tokens_per_minute === undefined && limits?.output_tokens_per_minute === undefined) return undefined;
  return { input_tokens_per_minute: limits.input_tokens_per_minute, output_tokens_per_minute: limits.output_tokens_per_minute };
}

/** What a request reserves: its bounds, at most the whole of each limit, and nothing where there is no limit. A bound that is no number is the whole limit. */
export function reservationFor(bounds: TokenAmounts, limits: TokenLimits): TokenAmounts {
  const part = (name: TokenLimitName): number => {
    const limit = limits[name];
    if (limit === undefined) return 0;
    return bounds[name] >= 0 && bounds[name] < limit ? Math.ceil(bounds[name]) : limit;
  };
  return { input_tokens_per_minute: part('input_tokens_per_minute'), output_tokens_per_minute: part('output_tokens_per_minute') };
}

/** What is charged: whole numbers, and only where there is a limit. An upstream can neither give a client tokens nor spend its minute for ever. */
export function chargeFor(used: TokenAmounts, limits: TokenLimits | undefined): TokenAmounts {
  const part = (name: TokenLimitName): number =>
    (limits?.[name] === undefined || !Number.isFinite(used[name]) || used[name] < 1 ? 0 : Math.min(Math.trunc(used[name]), MOST_TOKENS));
  return { input_tokens_per_minute: part('input_tokens_per_minute'), output_tokens_per_minute: part('output_tokens_per_minute') };
}

/** The counters of one client's window. */
export interface TokenReading {
  /** Charged in this window. */
  readonly used: TokenAmounts;
  /** Held by requests that have not ended. */
  readonly reserved: TokenAmounts;
  /** Milliseconds until the window ends; 0 when none runs. */
  readonly resetsInMs: number;
}

/** The limit that has no room for a reservation; `undefined` when all have. A client with nothing used and nothing reserved always has room. */
export function limitWithoutRoom({ used, reserved }: TokenReading, wanted: TokenAmounts, limits: TokenLimits): TokenLimitName | undefined {
  return TOKEN_LIMIT_NAMES.find((name) => {
    const limit = limits[name];
    return limit !== undefined && used[name] + reserved[name] + wanted[name] > limit;
  });
}
