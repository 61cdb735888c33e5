import { isConfigError } from '../../config/config-error.ts';
import type { LoadConfigOptions } from '../../config/load-config.ts';
import { printable, printableJson } from '../../observe/log/printable.ts';
import type { StatusFinding } from '../../observe/status/status.ts';
import type { CommandOutput } from '../check.ts';
import { describeForTerminal } from './describe-for-terminal.ts';
import { findOperations } from './find-operations.ts';
import { readStatus, StatusUnreadable } from './read-status.ts';

/** The options of `penstock status`. */
export interface StatusCommandOptions extends Omit<LoadConfigOptions, 'simulate'> {
  /** The operations listener; absent for that of the configuration. */
  readonly url?: string | undefined;
  /** Prints the document itself. */
  readonly json: boolean;
  readonly columns: number;
}

/** The exit code for each severity, as monitoring plugins have them (https://nagios-plugins.org/doc/guidelines.html#AEN78). */
export const EXIT_CODES: Readonly<Record<StatusFinding['severity'], number>> = { none: 0, info: 0, warning: 1, error: 2 };
/** The exit code where the status could not be read. */
export const EXIT_UNKNOWN = 3;

/** `penstock status`: prints the status once. The exit code follows the verdict: 0 well, 1 warning, 2 error, 3 not read. */
export async function runStatus({ url, json, columns, ...options }: StatusCommandOptions, { stdout, stderr }: CommandOutput): Promise<number> {
  try {
    const status = await readStatus(findOperations(options, url));
    stdout.write(`${json ? printableJson(JSON.stringify(status, null, 2)) : describeForTerminal(status, { columns, hasColours: false }).join('\n')}\n`);
    return EXIT_CODES[status.verdict.severity];
  } catch (error) {
    if (!isConfigError(error) && !(error instanceof StatusUnreadable)) throw error;
    stderr.write(`${printable(error.message)}\n`);
    return EXIT_UNKNOWN;
  }
}
