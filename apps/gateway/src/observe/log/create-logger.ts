import { createRequire } from 'node:module';
import type { OptionType } from '@penstock/option-names';
import { pino, type Logger } from 'pino';
import type * as PinoPretty from 'pino-pretty';
import { checkOptions } from '../../gateway-option-error.ts';
import type { LogConfig } from '../../config/sections/log-section.ts';
import { createLineLayout } from './line-layout.ts';
import { LogSink, type LogSinkOptions } from './log-sink.ts';
import { printableJson } from './printable.ts';

/** What standard output is, which decides how entries look there: no terminal, or one with or without colours. */
export type LogStyle = 'json' | 'text' | 'coloured';

/** A logger and the means to empty its buffer before the process ends. */
export interface ProcessLogger {
  readonly logger: Logger;
  /** Takes a whole line that was already put into words; absent where lines are text for people. */
  readonly writeLine?: (line: string) => void;
  /** Opens the file of the log anew, under its name: after it was moved away. Does nothing for standard output. */
  readonly reopen?: () => void;
  /**
   * Empties the buffer, for the last time. Resolves within two seconds; to `false` when the destination neither takes the lines nor fails.
   * The process cannot end by itself then: the write holds one of its threads.
   */
  flush(): Promise<boolean>;
}

const DESCRIPTORS: Readonly<Record<string, number>> = { stdout: 1, stderr: 2 };
/** Whole lines in writes of at most a pipe's atomic size: workers share one standard output. */
const SHARED_WRITES = { minWrite: 2_048, maxWrite: 4_096 };
/** A file is appended to as a whole at any size, and each write wakes another thread: fewer and larger ones cost a tenth. What a write leaves of a batch holds the lines that come meanwhile. */
const FILE_WRITES = { minWrite: 98_304, maxWrite: 131_072 };
/** The type of each member of the section `log`; the audit log is opened elsewhere. */
const LOG_OPTION_TYPES: Readonly<Record<keyof LogConfig, OptionType>> = Object.freeze({ level: 'string', destination: 'string', format: 'string', audit: 'string?' });
/** Standard output is a terminal. */
const TERMINAL_WRITES = { minWrite: 1, maxWrite: 4_096 };

/**
 * Makes the process's logger. `style` decides for `log.format: "auto"`, where a file gets JSON. Lines are written asynchronously, and a destination
 * that fails (a full disk, a closed pipe) is reported to `onFailure` and never stops the gateway. A file that cannot be opened throws
 * at once.
 */
export function createLogger(config: Pick<LogConfig, 'level' | 'destination' | 'format'>, style: LogStyle, onFailure: (error: unknown) => void): ProcessLogger {
  checkOptions({ config, onFailure }, { config: 'object', onFailure: 'function' });
  checkOptions(config, LOG_OPTION_TYPES);
  const options = { level: config.level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label: string) => ({ level: label }) } };
  const isTerminal = style !== 'json' && config.destination === 'stdout';
  const format = config.format === 'auto' ? (isTerminal ? 'line' : 'json') : config.format;
  if (format !== 'json') {
    const sink = openSink(config.destination, isTerminal ? TERMINAL_WRITES : undefined, onFailure);
    const logger: Logger = pino(options, { write: (line: string) => sink.write(toText(line)) });
    const hasColours = isTerminal && style === 'coloured';
    const toText = format === 'pretty' ? createPrettyLayout(hasColours) : createLineLayout({ hasColours, isDetailed: () => logger.isLevelEnabled('debug') });
    return { logger, reopen: () => sink.reopen(), flush: () => sink.end() };
  }
  const sink = openSink(config.destination, undefined, onFailure);
  const writeLine = (line: string): void => sink.write(line);
  return { logger: pino(options, { write: (line: string) => sink.write(printableJson(line)) }), writeLine, reopen: () => sink.reopen(), flush: () => sink.end() };
}

function openSink(destination: string, writes: Pick<LogSinkOptions, 'minWrite' | 'maxWrite'> | undefined, onFailure: (error: unknown) => void): LogSink {
  const descriptor = DESCRIPTORS[destination];
  return new LogSink({ destination: descriptor ?? destination, ...(writes ?? (descriptor === undefined ? FILE_WRITES : SHARED_WRITES)), onFailure });
}

/** pino-pretty, which is loaded only where it is asked for. */
function createPrettyLayout(hasColours: boolean): (json: string) => string {
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  const toText = prettyFactory({ colorize: hasColours, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' });
  return (json) => printableJson(toText(json));
}
