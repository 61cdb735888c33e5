export { add, createFastCounter } from './create-fast-counter.ts';
export type { CounterSeries, FastCounter, FastCounterOptions } from './create-fast-counter.ts';
export { createFastHistogram } from './create-fast-histogram.ts';
export type { FastHistogram, FastHistogramOptions, HistogramSeries } from './fast-histogram.ts';
