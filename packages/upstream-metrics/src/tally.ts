export { add, createTallyCounter } from './tally/create-tally-counter.ts';
export type { Tally, TallyCounter, TallyCounterOptions } from './tally/create-tally-counter.ts';
export { createTallyHistogram } from './tally/create-tally-histogram.ts';
export type { HistogramTally, TallyHistogram, TallyHistogramOptions } from './tally/create-tally-histogram.ts';
