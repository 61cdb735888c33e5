import type { Logger } from 'pino';
import { describeError } from '../observe/log/describe-error.ts';

/** What signals and fatal errors lead to. */
export interface StopOptions {
  readonly logger: Logger;
  readonly onReload: () => void;
  /** SIGHUP, before the reload: log rotation moved the file away and expects a new one. */
  readonly onReopen: () => void;
  /** SIGUSR2; absent where there are no workers to restart. */
  readonly onRestart?: () => void;
  readonly drain: () => Promise<void>;
  readonly closeNow: () => Promise<void>;
}

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Waits for the end of the process: SIGTERM or SIGINT drains, a second one ends at once; an uncaught error drains and makes
 * the exit code 1. SIGHUP reloads, and opens the log anew. All listeners are removed before it resolves.
 */
export function untilStopped(options: StopOptions): Promise<number> {
  const { logger } = options;
  return new Promise((resolve) => {
    let exitCode = 0;
    let stops = 0;

    const finish = (): void => {
      for (const signal of STOP_SIGNALS) process.off(signal, onStop);
      process.off('SIGHUP', onReload);
      process.off('SIGUSR2', onRestart);
      process.off('uncaughtException', onFatal);
      process.off('unhandledRejection', onFatal);
      resolve(exitCode);
    };
    const stop = (): void => {
      stops += 1;
      const ending = stops === 1 ? options.drain() : options.closeNow();
      ending.catch((error: unknown) => logger.error({ error: describeError(error) }, 'the shutdown failed')).finally(finish).catch(() => undefined);
    };
    const onStop = (signal: NodeJS.Signals): void => {
      logger.info({ signal, at_once: stops > 0 }, 'stopping');
      stop();
    };
    const onFatal = (error: unknown): void => {
      exitCode = 1;
      logger.fatal({ error: describeError(error) }, 'uncaught error');
      if (stops === 0) stop();
    };
    const onReload = (): void => {
      options.onReopen();
      options.onReload();
    };
    const onRestart = (): void => {
      if (options.onRestart === undefined) logger.warn('SIGUSR2 restarts workers one by one, and there are none (server.workers)');
      else options.onRestart();
    };

    for (const signal of STOP_SIGNALS) process.on(signal, onStop);
    process.on('SIGHUP', onReload);
    process.on('SIGUSR2', onRestart);
    process.on('uncaughtException', onFatal);
    process.on('unhandledRejection', onFatal);
  });
}
