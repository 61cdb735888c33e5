import { describeError } from '../log/describe-error.ts';
import type { StartTracingOptions, Tracing } from './tracing.ts';

/** Starts tracing where it is switched on. A failure is logged, and the gateway serves untraced. */
export async function startTracing(options: StartTracingOptions): Promise<Tracing | undefined> {
  const { settings, logger } = options;
  if (settings === undefined) return undefined;
  try {
    // The only import of OpenTelemetry: without tracing it is not loaded.
    const { createTracing } = await import('./create-tracing.ts');
    const tracing = await createTracing({ ...options, settings });
    logger.info({ collector: new URL(settings.exporter.url).host, protocol: settings.exporter.protocol, sampler: settings.sampler }, 'tracing');
    return tracing;
  } catch (error) {
    options.observerError(error);
    logger.error({ error: describeError(error) }, 'tracing could not be started; requests are served without it');
    return undefined;
  }
}
