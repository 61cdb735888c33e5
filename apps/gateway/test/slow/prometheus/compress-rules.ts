const DURATION_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** A range of less than a few scrapes, of which a busy machine may miss one, has no rate. */
const LEAST_RANGE_MS = 2_000;

function compressed(count: string, unit: string, factor: number, least = 0): string {
  return `${Math.max(least, Math.round((Number(count) * (DURATION_MS[unit] ?? 0)) / factor))}ms`;
}

/**
 * Makes rules run `factor` times as fast: ranges, offsets, waiting times and evaluation intervals are divided by it.
 *
 * With 60, an hour is a minute, and a scrape every 500 ms is one every 30 s (no range is shorter than two seconds), so that an incident that takes minutes can be watched in seconds.
 */
export function compressRules(text: string, factor: number): string {
  return text
    .replaceAll(/\[(\d+)([smh])\]/g, (_all, count: string, unit: string) => `[${compressed(count, unit, factor, LEAST_RANGE_MS)}]`)
    .replaceAll(/\boffset (\d+)([smh])\b/g, (_all, count: string, unit: string) => `offset ${compressed(count, unit, factor)}`)
    .replaceAll(/^(\s*(?:for|interval): )(\d+)([smh])$/gm, (_all, key: string, count: string, unit: string) => `${key}${compressed(count, unit, factor)}`);
}
