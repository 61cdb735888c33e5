import { Counter, Registry } from 'prom-client';
import { createConfigMetrics, type ConfigMetrics } from './create-config-metrics.ts';
import { createGauge } from './gauges.ts';
import { keepCumulative, mergeExpositions } from './merge-expositions.ts';

/** A process whose metrics are part of the whole. */
export interface MetricsWorker {
  readonly id: number;
  /** Whether it can answer now: neither while it starts nor after its last word. @defaultValue always */
  readonly isReady?: () => boolean;
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
  /** Stores a worker's latest exposition, requested or not. */
  update(id: number, text: string): void;
  /** Takes a worker out; what it counted stays counted. `crashed` counts it as one. */
  remove(id: number, how: 'ended' | 'crashed'): void;
  /** Counts a reload, which is the primary's to make. */
  readonly configReloaded: ConfigMetrics['reloaded'];
  /** The exposition of the whole gateway; a silent worker neither fails nor delays it beyond the timeout. */
  scrape(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** What is known of one worker. */
interface Known {
  readonly worker: MetricsWorker;
  /** Its latest exposition, used while the worker is silent. Empty until the first one. */
  text: string;
  /** How often it spoke. */
  words: number;
  isSilent: boolean;
}

/** `silent` is one whose last answer stands in, `starting` one that has counted nothing yet. */
const STATES = ['up', 'silent', 'starting'] as const;

function stateOf({ worker, text, isSilent }: Known): (typeof STATES)[number] {
  if (worker.isReady?.() !== false) return isSilent ? 'silent' : 'up';
  return text === '' ? 'starting' : 'silent';
}

async function ask(known: Known, timeoutMs: number): Promise<void> {
  // A worker that cannot answer would delay the scrape until the timeout, each time one is replaced.
  if (known.worker.isReady?.() === false) return;
  const { words } = known;
  let timer: NodeJS.Timeout | undefined;
  try {
    const text = await Promise.race([
      known.worker.scrape(),
      new Promise<never>((_resolve, reject) => {
        timer = setTimeout(reject, timeoutMs, new Error(`worker ${known.worker.id} did not answer in ${timeoutMs} ms`));
      }),
    ]);
    // A last word may have overtaken the answer.
    if (known.words === words) known.text = text;
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
  // Fractions added up in another order may differ in their last digit, which Prometheus would take for a restart from 0.
  const highest = new Map<string, number>();

  registry.registerMetric(createGauge({
    name: 'penstock_workers', labelNames: ['state'], registers: [], help: 'Worker processes: those that answered this scrape, those whose last answer stands in, and those that still start.',
    collect(): void {
      const states = Array.from(workers.values(), stateOf);
      for (const state of STATES) this.set({ state }, states.filter((other) => other === state).length);
    },
  }));
  const config = createConfigMetrics(registry);
  const crashes = new Counter({ name: 'penstock_worker_crashes_total', registers: [registry], help: 'Worker processes that ended without being told to; each was replaced.' });

  return {
    add(worker) {
      workers.set(worker.id, { worker, text: '', words: 0, isSilent: false });
    },
    update(id, text) {
      const known = workers.get(id);
      if (known === undefined) return;
      known.text = text;
      known.words += 1;
    },
    remove(id, how) {
      const known = workers.get(id);
      if (known === undefined) return;
      workers.delete(id);
      retired = mergeExpositions([retired, keepCumulative(known.text)]);
      if (how === 'crashed') crashes.inc();
    },
    configReloaded: config.reloaded,
    async scrape() {
      await Promise.all(Array.from(workers.values(), (known) => ask(known, answerTimeoutMs)));
      const own = await registry.metrics();
      return { contentType: registry.contentType, text: mergeExpositions([...Array.from(workers.values(), ({ text }) => text), retired, own], highest) };
    },
  };
}
