import { Counter, type Registry } from 'prom-client';

/** The count of one label combination: a plain number, which the registry copies when it is scraped. */
export interface Tally {
  value: number;
}

/** A counter whose counting costs an addition; prom-client sees it only when somebody scrapes. */
export interface TallyCounter {
  /** The tally of a label combination, made at 0 the first time. Keep it: the lookup costs more than the counting. */
  tally(labels: Readonly<Record<string, string>>): Tally;
}

/** What the counter is called and what it counts. */
export interface TallyCounterOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

/** Creates a counter of tallies in a registry. */
export function createTallyCounter(registry: Registry, { name, help, labelNames = [] }: TallyCounterOptions): TallyCounter {
  const tallies = new Map<string, Tally & { readonly labels: Readonly<Record<string, string>> }>();
  registry.registerMetric(new Counter({
    name, help, labelNames: [...labelNames], registers: [],
    collect(): void {
      this.reset();
      for (const { labels, value } of tallies.values()) this.inc(labels, value);
    },
  }));
  return {
    tally(labels) {
      const key = labelNames.map((label) => labels[label]).join('\n');
      const known = tallies.get(key);
      if (known !== undefined) return known;
      const tally = { labels, value: 0 };
      tallies.set(key, tally);
      return tally;
    },
  };
}

/** Adds to a tally. Throws on what is no count: one NaN would spoil the series for good. */
export function add(tally: Tally, count: number): void {
  if (!(count >= 0 && count < Number.POSITIVE_INFINITY)) throw new RangeError(`a count must be a finite number from 0, received ${count}`);
  tally.value += count;
}
