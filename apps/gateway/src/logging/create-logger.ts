import { createRequire } from 'node:module';
import { destination, pino, type DestinationStream, type Logger } from 'pino';
import type { PinoPretty } from 'pino-pretty';
import type { LogConfig } from '../config/sections/log-section.ts';

/** A logger and the means to empty its buffer before the process ends. */
export interface ProcessLogger {
  readonly logger: Logger;
  /** Takes a whole line that was already put into words; absent where lines are coloured text. */
  readonly writeLine?: (line: string) => void;
  flush(): void;
}

const DESCRIPTORS: Readonly<Record<string, number>> = { stdout: 1, stderr: 2 };
/** Whole lines in writes of at most a pipe's atomic size: workers share one standard output. */
const SHARED_WRITES = { minLength: 2_048, maxWrite: 4_096 };
/** A file is appended to as a whole at any size, and each write wakes another thread: fewer and larger ones cost a tenth. */
const FILE_WRITES = { minLength: 16_384, maxWrite: 32_768 };
const FLUSH_INTERVAL_MS = 500;

/**
 * Makes the process's logger: one JSON line an entry, or coloured text for a terminal. Lines are written asynchronously, and a
 * destination that fails (a full disk, a closed pipe) is reported to `onFailure` and never stops the gateway.
 */
export function createLogger(config: LogConfig, isPretty: boolean, onFailure: () => void): ProcessLogger {
  const descriptor = DESCRIPTORS[config.destination];
  const options = { level: config.level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label: string) => ({ level: label }) } };
  if (isPretty) {
    // Loaded only for a terminal.
    const pretty = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
    const stream: DestinationStream = pretty({ colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', sync: true });
    return { logger: pino(options, stream), flush: () => undefined };
  }
  const stream = destination({
    dest: descriptor ?? config.destination, append: true, mkdir: descriptor === undefined, sync: false, periodicFlush: FLUSH_INTERVAL_MS,
    ...(descriptor === undefined ? FILE_WRITES : SHARED_WRITES), maxLength: 8 * 1024 * 1024,
  });
  stream.on('error', onFailure);
  stream.on('drop', onFailure);
  const flush = (): void => {
    try {
      stream.flushSync();
    } catch {
      onFailure();
    }
  };
  return { logger: pino(options, stream), writeLine: (line) => { stream.write(line); }, flush };
}
