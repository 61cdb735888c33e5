import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { SpanQueueSettings } from './read-tracing-settings.ts';

/** What a span queue is made with. */
export interface SpanQueueOptions {
  readonly exporter: SpanExporter;
  readonly settings: SpanQueueSettings;
  /** Called for a span that found the queue full, and for a batch that could not be exported. */
  readonly onLost: (error: unknown) => void;
}

const SAMPLED = 1;
const EXPORTED = 0;
const QUEUE_FULL = Object.assign(new Error('the queue of spans is full'), { code: 'span_queue_full' });

/**
 * The bounded queue between requests and the exporter: one batch is under way at a time, what finds no room is dropped and
 * counted, and nothing here keeps the process alive. The SDK's own batch processor drops spans silently.
 */
export function createSpanQueue({ exporter, settings, onLost }: SpanQueueOptions): SpanProcessor {
  const waiting: ReadableSpan[] = [];
  let timer: NodeJS.Timeout | undefined;
  let exporting: Promise<void> | undefined;
  let isClosed = false;

  function exportBatch(): Promise<void> {
    const batch = waiting.splice(0, settings.maxBatchSpans);
    return new Promise((resolve) => {
      const fail = (error: unknown): void => {
        onLost(error);
        resolve();
      };
      try {
        exporter.export(batch, ({ code, error }) => { if ((code as number) === EXPORTED) resolve(); else fail(error); });
      } catch (error) {
        fail(error);
      }
    });
  }

  function start(): void {
    clearTimeout(timer);
    timer = undefined;
    exporting = exportAndGoOn();
  }

  async function exportAndGoOn(): Promise<void> {
    await exportBatch();
    exporting = undefined;
    schedule();
  }

  function schedule(): void {
    if (exporting !== undefined || waiting.length === 0) return;
    if (waiting.length >= settings.maxBatchSpans) start();
    else timer ??= setTimeout(start, settings.delayMs).unref();
  }

  async function empty(): Promise<void> {
    while (exporting !== undefined || waiting.length > 0) {
      if (exporting === undefined) start();
      await exporting;
    }
  }

  return {
    onStart: () => undefined,
    onEnd(span) {
      if ((span.spanContext().traceFlags & SAMPLED) === 0) return;
      if (isClosed || waiting.length >= settings.maxQueuedSpans) {
        onLost(QUEUE_FULL);
        return;
      }
      waiting.push(span);
      schedule();
    },
    forceFlush: empty,
    async shutdown() {
      isClosed = true;
      await empty();
      await exporter.shutdown();
    },
  };
}
