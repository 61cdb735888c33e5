import type { OptionType } from '@penstock/option-names';
import { Histogram, type Registry } from 'prom-client';
import { checkMetric, makeMetric } from './check-metric.ts';
import { FastMetricsError } from './fast-metrics-error.ts';
import type { FastHistogram, FastHistogramOptions, HistogramSeries } from './fast-histogram.ts';
import { createPlainHistogram } from './plain-histogram.ts';
import { seriesText } from './series-text.ts';

interface MetricValue {
  readonly metricName: string;
  readonly value: number;
  readonly labels?: Readonly<Record<string, string | number>>;
}

class BucketSeries implements HistogramSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly #bounds: readonly number[];
  /** One count for each bucket alone, the last for what is above all bounds. */
  readonly #counts: Float64Array;
  readonly #series: readonly string[];
  readonly #sumSeries: string;
  readonly #countSeries: string;
  #sum = 0;

  constructor(name: string, labels: Readonly<Record<string, string>>, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
    this.#series = [...bounds.map(String), '+Inf'].map((le) => seriesText(`${name}_bucket`, { le, ...labels }));
    this.#sumSeries = seriesText(`${name}_sum`, labels);
    this.#countSeries = seriesText(`${name}_count`, labels);
  }

  observe(value: number): void {
    if (!Number.isFinite(value)) throw new FastMetricsError('invalid_value', `an observation must be a finite number, received ${value}`);
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] as number)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum += value;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#sum = 0;
  }

  /** The values as texts that were made once. */
  printed(): MetricValue[] {
    const values = this.#cumulated().map((value, index) => ({ metricName: this.#series[index] as string, value }));
    const total = values.at(-1)?.value ?? 0;
    values.push({ metricName: this.#sumSeries, value: this.#sum }, { metricName: this.#countSeries, value: total });
    return values;
  }

  /** The values as prom-client describes them. */
  described(name: string): MetricValue[] {
    const { labels } = this;
    const values: MetricValue[] = this.#cumulated().map((value, index) => ({ metricName: `${name}_bucket`, labels: { le: this.#bounds[index] ?? '+Inf', ...labels }, value }));
    const total = values.at(-1)?.value ?? 0;
    values.push({ metricName: `${name}_sum`, labels, value: this.#sum }, { metricName: `${name}_count`, labels, value: total });
    return values;
  }

  #cumulated(): number[] {
    let total = 0;
    return Array.from(this.#counts, (count) => (total += count));
  }
}

const OPTION_TYPES: Readonly<Record<keyof FastHistogramOptions, OptionType>> = Object.freeze({ name: 'string', help: 'string', labelNames: 'list', buckets: 'list', plain: 'boolean?' });

/** Creates a histogram in a registry. Throws a `FastMetricsError` `unknown_option`, `invalid_option` or `already_registered`. */
export function createFastHistogram(registry: Registry, options: FastHistogramOptions): FastHistogram {
  checkMetric(registry, options, OPTION_TYPES);
  return makeMetric(() => (options.plain === true ? createPlainHistogram(registry, options) : createBucketHistogram(registry, options)));
}

function createBucketHistogram(registry: Registry, { name, help, labelNames, buckets }: FastHistogramOptions): FastHistogram {
  const known = new Map<string, BucketSeries>();
  const histogram = new Histogram({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers: [] });
  const all = (read: (series: BucketSeries) => MetricValue[]): MetricValue[] => Array.from(known.values(), read).flat();
  // prom-client's registry prints with `getForPromString` and returns JSON from `get`.
  Object.assign(histogram, {
    getForPromString: () => Promise.resolve({ name, help, type: 'histogram', values: all((series) => series.printed()) }),
    get: () => Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values: all((series) => series.described(name)) }),
    reset: () => { for (const series of known.values()) series.clear(); },
  });
  registry.registerMetric(histogram);
  return {
    series(labels) {
      const key = labelNames.map((label) => labels[label]).join('\n');
      const existing = known.get(key);
      if (existing !== undefined) return existing;
      const created = new BucketSeries(name, labels, buckets);
      known.set(key, created);
      return created;
    },
  };
}
