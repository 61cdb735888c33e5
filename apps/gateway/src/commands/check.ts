import { isConfigError } from '../config/config-error.ts';
import { describeConfig } from '../config/describe-config.ts';
import { loadConfig } from '../config/load-config.ts';
import type { LoadConfigOptions } from '../config/load-config.ts';

/** Where a command writes. */
export interface CommandOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/**
 * `penstock check`: prints the configuration as it would be used, secrets masked, or every problem in it.
 * Standard output holds JSON and nothing else. Returns the exit code: 0 when it is sound, else 1.
 */
export function runCheck(options: LoadConfigOptions, { stdout, stderr }: CommandOutput): number {
  try {
    const { config, sourcePath, warnings } = loadConfig(options);
    stdout.write(`${JSON.stringify(describeConfig(config), null, 2)}\n`);
    for (const warning of warnings) stderr.write(`Warning: ${warning}\n`);
    stderr.write(`The configuration is sound (${sourcePath ?? 'no file; environment and defaults'}).\n`);
    return 0;
  } catch (error) {
    if (!isConfigError(error)) throw error;
    stderr.write(`${error.message}\n`);
    return 1;
  }
}
