/** The observations of one label combination; an observation is one search and three additions. */
export interface HistogramSeries {
  /** Counts one observation, in the unit of the buckets. Throws a `FastMetricsError` unless it is finite: one NaN would spoil the series for good. */
  observe(value: number): void;
}

/** A histogram whose observation needs no label lookup; prom-client reads the buckets when the registry is scraped. */
export interface FastHistogram {
  /** The series of a label combination, created empty on the first call. Keep it: the lookup costs more than the observation. */
  series(labels: Readonly<Record<string, string>>): HistogramSeries;
}

/** Name, help text, labels and the upper bounds of the buckets in ascending order. */
export interface FastHistogramOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly buckets: readonly number[];
  /** Use prom-client's public interface alone, without its `getForPromString`. @defaultValue false */
  readonly plain?: boolean;
}
