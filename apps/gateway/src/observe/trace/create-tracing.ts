import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { createExporter } from './create-exporter.ts';
import { createRequestTrace } from './create-request-trace.ts';
import { createSampler } from './create-sampler.ts';
import type { TracingSettings } from './read-tracing-settings.ts';
import { createSpanQueue } from './span-queue.ts';
import type { RequestTrace } from '../../request/request-trace.ts';
import type { StartTracingOptions, Tracing } from './tracing.ts';

const SHUTDOWN_TIMEOUT_MS = 2_000;
const SHUTDOWN_TIMED_OUT = Object.assign(new Error('the last spans were not taken in time'), { code: 'shutdown_timeout' });

/** Makes the tracing of one gateway process, without registering anything globally: two gateways in one process do not meet. */
export async function createTracing({ settings, version, observerError }: StartTracingOptions & { readonly settings: TracingSettings }): Promise<Tracing> {
  const exporter = await createExporter(settings.exporter);
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({
      'service.version': version, 'service.instance.id': randomUUID(), 'process.pid': process.pid, ...settings.resourceAttributes,
    })),
    sampler: createSampler(settings),
    spanProcessors: [createSpanQueue({ exporter: exporter.spans, settings: settings.queue, onLost: observerError })],
  });
  const tracer = provider.getTracer('penstock', version);
  const requests = new AsyncLocalStorage<RequestTrace>();

  return {
    begin(inbound) {
      try {
        return createRequestTrace(tracer, inbound, observerError);
      } catch (error) {
        observerError(error);
        return undefined;
      }
    },
    within: (trace, action) => (trace === undefined ? action() : requests.run(trace, action)),
    current: () => requests.getStore(),
    async shutdown() {
      // The last request is settled in the turn after its response ended.
      await setImmediate();
      let timer: NodeJS.Timeout | undefined;
      const expired = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          observerError(SHUTDOWN_TIMED_OUT);
          resolve();
        }, SHUTDOWN_TIMEOUT_MS);
      });
      await Promise.race([provider.shutdown().catch(observerError), expired]);
      clearTimeout(timer);
      exporter.destroy();
    },
  };
}
