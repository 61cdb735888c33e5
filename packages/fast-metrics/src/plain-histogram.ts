import { Histogram, type Registry } from 'prom-client';
import { FastMetricsError } from './fast-metrics-error.ts';
import type { FastHistogram, FastHistogramOptions } from './fast-histogram.ts';

/** prom-client's own histogram; a reset leaves its series at 0 instead of removing them. */
class KeptHistogram extends Histogram {
  /** Label combinations that stay. prom-client's constructor resets before this field exists. */
  readonly kept: Readonly<Record<string, string>>[] | undefined = [];

  keep(labels: Readonly<Record<string, string>>): void {
    this.kept?.push(labels);
    this.zero(labels);
  }

  override reset(): void {
    super.reset();
    for (const labels of this.kept ?? []) this.zero(labels);
  }
}

/** The histogram of `createFastHistogram` without private parts of prom-client: every observation looks its labels up. */
export function createPlainHistogram(registry: Registry, { name, help, labelNames, buckets }: FastHistogramOptions): FastHistogram {
  const histogram = new KeptHistogram({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers: [registry] });
  const known = new Map<string, { observe(value: number): void }>();
  return {
    series(labels) {
      const key = labelNames.map((label) => labels[label]).join('\n');
      const existing = known.get(key);
      if (existing !== undefined) return existing;
      histogram.keep(labels);
      const created = {
        observe(value: number): void {
          if (!Number.isFinite(value)) throw new FastMetricsError('invalid_value', `an observation must be a finite number, received ${value}`);
          histogram.observe(labels, value);
        },
      };
      known.set(key, created);
      return created;
    },
  };
}
