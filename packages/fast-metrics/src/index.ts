export { add, createFastCounter } from './create-fast-counter.ts';
export type { CounterSeries, FastCounter, FastCounterOptions } from './create-fast-counter.ts';
export { createFastHistogram } from './create-fast-histogram.ts';
export { FAST_METRICS_ERROR_CODES, FastMetricsError, isFastMetricsError, type FastMetricsErrorCode } from './fast-metrics-error.ts';
export type { FastHistogram, FastHistogramOptions, HistogramSeries } from './fast-histogram.ts';
