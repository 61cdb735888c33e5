import { z } from 'zod';
import { RELOADABLE, text } from './field-kinds.ts';

/** How much is logged, most to least. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** One of `LOG_LEVELS`. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where and how much is logged. */
export interface LogConfig {
  readonly level: LogLevel;
  readonly destination: string;
}

/** The schema of `log`. */
export const logSection: z.ZodType<LogConfig> = z.strictObject({
  level: z.enum(LOG_LEVELS, `one of ${LOG_LEVELS.join(', ')}`).default('info').describe('Least severity that is logged.').meta(RELOADABLE),
  destination: text('stdout, stderr or the path of a file').default('stdout').describe('`stdout`, `stderr` or the path of a file, from the working directory. SIGHUP opens a file anew.'),
}, 'an object');
