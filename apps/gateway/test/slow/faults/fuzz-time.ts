/** How long each fuzzer may run, and how often at most; fast-check takes both. */
export const FUZZ = process.env['PENSTOCK_SLOW_BOUNDED'] === undefined
  ? { interruptAfterTimeLimit: 60_000, numRuns: 1_000_000 }
  : { interruptAfterTimeLimit: 10_000, numRuns: 1_000_000 };
