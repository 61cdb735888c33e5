/** Latencies of one measurement, in milliseconds. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
}

/** One latency and when it ended. */
export interface TimedLatency {
  /** Microseconds of the monotonic clock. */
  readonly endedAt: number;
  readonly milliseconds: number;
}

const MAX_SAMPLES = 200_000;

/** Collects latencies; of more than 200,000 the later ones are left out. */
export class LatencySamples {
  readonly #samples = new Float64Array(MAX_SAMPLES);
  readonly #endedAt = new Float64Array(MAX_SAMPLES);
  #count = 0;

  /** `endedAt` in microseconds of the monotonic clock; needed by `slowest` alone. */
  add(milliseconds: number, endedAt = 0): void {
    if (this.#count < MAX_SAMPLES) {
      this.#samples[this.#count] = milliseconds;
      this.#endedAt[this.#count] = endedAt;
    }
    this.#count += 1;
  }

  /** The slowest of those that were collected since the last `take`, a share of them, the slowest first. */
  slowest(share: number): readonly TimedLatency[] {
    const kept = Math.min(this.#count, MAX_SAMPLES);
    const order = Array.from({ length: kept }, (_, index) => index).toSorted((a, b) => (this.#samples[b] as number) - (this.#samples[a] as number));
    return order.slice(0, Math.ceil(kept * share)).map((index) => ({ endedAt: this.#endedAt[index] as number, milliseconds: this.#samples[index] as number }));
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
