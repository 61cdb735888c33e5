import type { OptionType } from '@penstock/option-names';
import { Counter, type Registry } from 'prom-client';
import { checkMetric, makeMetric } from './check-metric.ts';
import { FastMetricsError } from './fast-metrics-error.ts';
import { seriesText } from './series-text.ts';

/** The count of one label combination: a plain number, which the registry copies when it is scraped. */
export interface CounterSeries {
  value: number;
}

/** A counter whose increment is one addition on a plain number; prom-client reads the numbers when the registry is scraped. */
export interface FastCounter {
  /** The series of a label combination, created at 0 on the first call. Keep it: the lookup costs more than the increment. */
  series(labels: Readonly<Record<string, string>>): CounterSeries;
}

/** Name, help text and labels of a counter. */
export interface FastCounterOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** What the numbers are divided by when they are scraped: series that count integers of a small unit add up exactly up to 2^53. @defaultValue 1 */
  readonly divisor?: number;
  /** Use prom-client's public interface alone, without its `getForPromString`. @defaultValue false */
  readonly plain?: boolean;
}

/** A series with its labels, and with its name and labels as they stand in an exposition. */
interface NamedSeries extends CounterSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly text: string;
}

const OPTION_TYPES: Readonly<Record<keyof FastCounterOptions, OptionType>> = Object.freeze({ name: 'string', help: 'string', labelNames: 'list?', divisor: 'number?', plain: 'boolean?' });

/** Creates a counter in a registry. Throws a `FastMetricsError` `unknown_option`, `invalid_option` or `already_registered`. */
export function createFastCounter(registry: Registry, options: FastCounterOptions): FastCounter {
  checkMetric(registry, options, OPTION_TYPES);
  const { name, help, labelNames = [], divisor = 1, plain = false } = options;
  const known = new Map<string, NamedSeries>();
  const counter = makeMetric(() => new Counter({
    name, help, labelNames: [...labelNames], registers: [],
    collect(): void {
      this.reset();
      for (const { labels, value } of known.values()) this.inc(labels, value / divisor);
    },
  }));
  // prom-client's registry prefers `getForPromString` to `get`. Printing thousands of series from texts made once takes a quarter of the time
  // that hashing, copying and formatting their labels at every scrape takes.
  if (!plain) {
    Object.assign(counter, {
      getForPromString: () => Promise.resolve({
        name, help, type: 'counter', values: Array.from(known.values(), ({ text, value }) => ({ metricName: text, value: value / divisor })),
      }),
    });
  }
  registry.registerMetric(counter);
  return {
    series(labels) {
      const key = labelNames.map((label) => labels[label]).join('\n');
      const existing = known.get(key);
      if (existing !== undefined) return existing;
      const created = { labels, text: seriesText(name, labels), value: 0 };
      known.set(key, created);
      return created;
    },
  };
}

/** Adds to a series. Throws a `FastMetricsError` unless `count` is finite and not negative: one NaN would spoil the series for good. */
export function add(series: CounterSeries, count: number): void {
  if (!(count >= 0 && count < Number.POSITIVE_INFINITY)) throw new FastMetricsError('invalid_value', `a count must be a finite number from 0, received ${count}`);
  series.value += count;
}
