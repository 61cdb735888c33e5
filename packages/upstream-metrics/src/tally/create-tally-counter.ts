import { Counter, type Registry } from 'prom-client';
import { seriesText } from './series-text.ts';

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

/** A tally with what names it: its labels, and the text that they are in an exposition. */
interface NamedTally extends Tally {
  readonly labels: Readonly<Record<string, string>>;
  readonly series: string;
}

/** Creates a counter of tallies in a registry. */
export function createTallyCounter(registry: Registry, { name, help, labelNames = [] }: TallyCounterOptions): TallyCounter {
  const tallies = new Map<string, NamedTally>();
  const counter = new Counter({
    name, help, labelNames: [...labelNames], registers: [],
    collect(): void {
      this.reset();
      for (const { labels, value } of tallies.values()) this.inc(labels, value);
    },
  });
  // A registry asks for this before it asks for `get`. Thousands of series are printed from texts that were made once: to hash, copy and
  // format their labels for every scrape took four times as long.
  Object.assign(counter, {
    getForPromString: () => Promise.resolve({
      name, help, type: 'counter', values: Array.from(tallies.values(), ({ series, value }) => ({ metricName: series, value })),
    }),
  });
  registry.registerMetric(counter);
  return {
    tally(labels) {
      const key = labelNames.map((label) => labels[label]).join('\n');
      const known = tallies.get(key);
      if (known !== undefined) return known;
      const tally = { labels, series: seriesText(name, labels), value: 0 };
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
