import { createLogger, type ProcessLogger } from '../observe/log/create-logger.ts';
import type { RunOptions } from './run-options.ts';

/** Opens the log of a run. When that fails, reports the reason and returns nothing: a gateway must not serve without its log. */
export function openLog({ config, logStyle, onFailure }: RunOptions, onWriteFailure: (error: unknown) => void): ProcessLogger | undefined {
  try {
    return createLogger(config.log, logStyle, onWriteFailure);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    onFailure(`log.destination (${config.log.destination}) cannot be opened for appending (${code ?? String(error)}): name stdout, stderr or a file in a folder that this user may write to.`);
    return undefined;
  }
}

/**
 * Empties the log as the last step of a process. When its destination is stuck (a pipe without a reader), a thread of the process is in
 * that write, and Node waits for its threads: only this signal ends such a process.
 */
export async function flushLog(processLogger: ProcessLogger): Promise<void> {
  if (!await processLogger.flush()) process.kill(process.pid, 'SIGKILL');
}
