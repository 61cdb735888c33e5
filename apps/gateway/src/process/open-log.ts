import { createLogger, type ProcessLogger } from '../observe/log/create-logger.ts';
import type { RunOptions } from './run-options.ts';

/** Opens the log that a run writes; when that cannot be done, says why and gives nothing: a gateway must not serve unseen. */
export function openLog({ config, logStyle, onFailure }: RunOptions, onWriteFailure: (error: unknown) => void): ProcessLogger | undefined {
  try {
    return createLogger(config.log, logStyle, onWriteFailure);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    onFailure(`log.destination (${config.log.destination}) cannot be opened for appending (${code ?? String(error)}): name stdout, stderr or a file in a folder that this user may write to.`);
    return undefined;
  }
}
