/** The two families of quota series; within one, the same labels name the same window. */
const QUOTA = 'penstock_anthropic_';
const RESET = /^(penstock_anthropic_(?:ratelimit|unified))_reset_timestamp_seconds(\{.*\}) (\S+)$/gm;
const SAMPLE = /^(penstock_anthropic_(?:ratelimit|unified))_\w+(\{.*\}) /;

/** Whether a sample is history that another process knows better. */
export type IsStale = (line: string) => boolean;

/** For texts in which nothing is. */
export const isNeverStale: IsStale = () => false;

/** The time at which each window in a text is renewed, in Unix seconds. */
function readResets(text: string): ReadonlyMap<string, number> {
  if (!text.includes(QUOTA)) return new Map();
  return new Map(Array.from(text.matchAll(RESET), ([, family = '', labels = '', time = '']) => [family + labels, Number(time)]));
}

/**
 * Finds for each exposition text which quota samples must not be merged: those of a window that has been renewed since, where another text knows the
 * window that runs now. A worker that was idle since the quota was low would otherwise show it as nearly gone for ever.
 */
export function findStaleQuotas(texts: readonly string[], nowSeconds: number): readonly IsStale[] {
  const resets = texts.map(readResets);
  const running = new Set(resets.flatMap((known) => [...known].flatMap(([quota, time]) => (time > nowSeconds ? [quota] : []))));
  if (running.size === 0) return texts.map(() => isNeverStale);
  return resets.map((known) => {
    const stale = new Set([...known].flatMap(([quota, time]) => (time <= nowSeconds && running.has(quota) ? [quota] : [])));
    if (stale.size === 0) return isNeverStale;
    return (line) => {
      if (!line.startsWith(QUOTA)) return false;
      const [, family = '', labels = ''] = SAMPLE.exec(line) ?? [];
      return stale.has(family + labels);
    };
  });
}
