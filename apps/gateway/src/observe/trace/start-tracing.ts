import type { Logger } from 'pino';
import { describeError } from '../log/describe-error.ts';
import type { TracingSettings } from './read-tracing-settings.ts';
import type { Tracing } from './tracing.ts';

/** What tracing is started with. */
export interface StartTracingOptions {
  /** Absent: tracing is off, and nothing of it is loaded. */
  readonly settings: TracingSettings | undefined;
  readonly version: string;
  readonly logger: Logger;
  /** Counts what failed beside the requests. */
  readonly observerError: (error: unknown) => void;
}

/** Starts tracing where it is switched on. A failure is logged, and the gateway serves untraced. */
export async function startTracing(options: StartTracingOptions): Promise<Tracing | undefined> {
  const { settings, logger } = options;
  if (settings === undefined) return undefined;
  try {
    // The one place that leads to OpenTelemetry: who does not trace, does not load it.
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
