import { Counter, Gauge, Registry } from 'prom-client';
import { keepCumulative, mergeExpositions } from './merge-expositions.ts';

/** A process whose metrics are part of the whole. */
export interface MetricsWorker {
  readonly id: number;
  /** Asks the process for its exposition text; may reject, and may never answer. */
  scrape(): Promise<string>;
}

/** The options of `createWorkerMetrics`. */
export interface WorkerMetricsOptions {
  /** How long one worker may take to answer; after that its last answer stands in. @defaultValue 1_000 */
  readonly answerTimeoutMs?: number;
}

/** One `/metrics` for all workers. */
export interface WorkerMetrics {
  add(worker: MetricsWorker): void;
  /** Remembers the last word of a worker that is about to end. */
  update(id: number, text: string): void;
  /** Takes a worker out; what it counted stays counted. `crashed` counts it as one. */
  remove(id: number, how: 'ended' | 'crashed'): void;
  /** The exposition of the whole gateway; a silent worker neither fails nor delays it beyond the timeout. */
  scrape(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** What is known of one worker. */
interface Known {
  readonly worker: MetricsWorker;
  /** The last answer; stands in when the worker is silent. */
  text: string;
  isSilent: boolean;
}

async function ask(known: Known, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    known.text = await Promise.race([
      known.worker.scrape(),
      new Promise<never>((_resolve, reject) => {
        timer = setTimeout(reject, timeoutMs, new Error(`worker ${known.worker.id} did not answer in ${timeoutMs} ms`));
      }),
    ]);
    known.isSilent = false;
  } catch {
    known.isSilent = true;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Creates the metrics of a gateway with several workers: added up, and monotonic when a worker is replaced or silent.
 *
 * What a worker counted between the last scrape and a `kill -9` is lost; a worker that ends in order hands it over with `update`.
 */
export function createWorkerMetrics({ answerTimeoutMs = 1_000 }: WorkerMetricsOptions = {}): WorkerMetrics {
  const registry = new Registry();
  const workers = new Map<number, Known>();
  // The counters of all workers that are gone, as one exposition.
  let retired = '';

  registry.registerMetric(new Gauge({
    name: 'penstock_workers', labelNames: ['state'], registers: [], help: 'Worker processes: those that answered this scrape, and those whose last answer stands in.',
    collect(): void {
      const silent = [...workers.values()].filter(({ isSilent }) => isSilent).length;
      this.set({ state: 'silent' }, silent);
      this.set({ state: 'up' }, workers.size - silent);
    },
  }));
  const crashes = new Counter({ name: 'penstock_worker_crashes_total', registers: [registry], help: 'Worker processes that ended without being told to; each was replaced.' });

  return {
    add(worker) {
      workers.set(worker.id, { worker, text: '', isSilent: false });
    },
    update(id, text) {
      const known = workers.get(id);
      if (known !== undefined) known.text = text;
    },
    remove(id, how) {
      const known = workers.get(id);
      if (known === undefined) return;
      workers.delete(id);
      retired = mergeExpositions([retired, keepCumulative(known.text)]);
      if (how === 'crashed') crashes.inc();
    },
    async scrape() {
      await Promise.all(Array.from(workers.values(), (known) => ask(known, answerTimeoutMs)));
      const own = await registry.metrics();
      return { contentType: registry.contentType, text: mergeExpositions([...Array.from(workers.values(), ({ text }) => text), retired, own]) };
    },
  };
}
