import { z } from 'zod';
import { RELOADABLE, text } from './field-kinds.ts';

/** How much is logged, most to least. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** One of `LOG_LEVELS`. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How entries look: `auto` is a line for people on a terminal and JSON elsewhere. */
export const LOG_FORMATS = ['auto', 'json', 'pretty', 'line'] as const;

/** One of `LOG_FORMATS`. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Where and how much is logged. */
export interface LogConfig {
  readonly level: LogLevel;
  readonly destination: string;
  readonly format: LogFormat;
  readonly audit: string;
}

/** The schema of `log`. */
export const logSection: z.ZodType<LogConfig> = z.strictObject({
  level: z.enum(LOG_LEVELS, `one of ${LOG_LEVELS.join(', ')}`).default('info').describe('Least severity that is logged.').meta(RELOADABLE),
  destination: text('stdout, stderr or the path of a file').default('stdout').describe('`stdout`, `stderr` or the path of a file, from the working directory. SIGHUP opens a file anew.'),
  format: z.enum(LOG_FORMATS, `one of ${LOG_FORMATS.join(', ')}`).default('auto')
    .describe('`json`; `line`: one line for people, with details at level `debug` and of failures; `pretty`: every field on a line of its own; `auto`: `line` where standard output is a terminal, else `json`.'),
  audit: text('stdout, stderr or the path of a file').default('stderr').describe('Where the audit log of sign-in, refused tokens and administration goes, one JSON line for each act: `stdout`, `stderr` or the path of a file.'),
}, 'an object');
