/** One quota of an upstream as its last response named it. Plain data that crosses the process channel. */
export interface Quota {
  readonly upstream: string;
  /** Such as `requests` or `input_tokens`; the window of a subscription as `unified_5h`. */
  readonly quota: string;
  readonly limit: number | undefined;
  readonly remaining: number | undefined;
  /** 0 to 1; above 1 for a window that is overdrawn. */
  readonly usedRatio: number;
  /** Unix milliseconds. */
  readonly resetsAt: number | undefined;
}

/** The quotas of several processes: of one that several know, the window that ends last, and in it what is nearest to its end. */
export function mergeQuotas(quotas: readonly Quota[]): readonly Quota[] {
  const merged = new Map<string, Quota>();
  for (const quota of quotas) {
    const key = `${quota.upstream}\n${quota.quota}`;
    const known = merged.get(key);
    if (known === undefined || isNewer(quota, known)) merged.set(key, quota);
  }
  return [...merged.values()];
}

function isNewer(quota: Quota, known: Quota): boolean {
  const [end, knownEnd] = [quota.resetsAt ?? 0, known.resetsAt ?? 0];
  return end === knownEnd ? quota.usedRatio > known.usedRatio : end > knownEnd;
}

/** The number of one quota field of one upstream. */
export interface QuotaNumber {
  readonly upstream: string;
  readonly label: string;
  readonly number: number;
}

/** The numbers of the quota fields; times in Unix seconds. */
export interface QuotaNumbers {
  readonly limits: readonly QuotaNumber[];
  readonly remaining: readonly QuotaNumber[];
  readonly resets: readonly QuotaNumber[];
  /** The used part of a subscription's windows. */
  readonly used: readonly QuotaNumber[];
  readonly windowResets: readonly QuotaNumber[];
}

/** Puts the fields of each quota together. A quota without its limit or without what is left of it has no used part, and is left out. */
export function toQuotas({ limits, remaining, resets, used, windowResets }: QuotaNumbers): readonly Quota[] {
  const find = (numbers: readonly QuotaNumber[], { upstream, label }: QuotaNumber): number | undefined =>
    numbers.find((other) => other.upstream === upstream && other.label === label)?.number;
  const milliseconds = (at: number | undefined): number | undefined => (at === undefined ? undefined : Math.round(at * 1_000));
  const counted = limits.flatMap((one): Quota[] => {
    const { upstream, label, number: limit } = one;
    const left = find(remaining, one);
    if (left === undefined || limit <= 0) return [];
    return [{ upstream, quota: label, limit, remaining: left, usedRatio: Math.max(0, 1 - left / limit), resetsAt: milliseconds(find(resets, one)) }];
  });
  const windows = used.map((one): Quota => ({
    upstream: one.upstream, quota: `unified_${one.label}`, limit: undefined, remaining: undefined, usedRatio: one.number, resetsAt: milliseconds(find(windowResets, one)),
  }));
  return [...counted, ...windows];
}
