/** Latencies of one measurement, in milliseconds. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
}

const MAX_SAMPLES = 200_000;

/** Collects latencies; of more than 200,000 the later ones are left out. */
export class LatencySamples {
  readonly #samples = new Float64Array(MAX_SAMPLES);
  #count = 0;

  add(milliseconds: number): void {
    if (this.#count < MAX_SAMPLES) this.#samples[this.#count] = milliseconds;
    this.#count += 1;
  }

  /** What was collected since the last call. */
  take(): Latencies {
    const sorted = this.#samples.subarray(0, Math.min(this.#count, MAX_SAMPLES)).toSorted();
    const count = this.#count;
    this.#count = 0;
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99), count };
  }
}
