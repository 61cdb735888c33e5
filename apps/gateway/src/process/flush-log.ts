import type { ProcessLogger } from '../observe/log/create-logger.ts';

/**
 * Empties the log as the last step of a process. When its destination is stuck (a pipe that nobody reads), one of our threads is in
 * that write, and Node waits for its threads: nothing but this signal ends such a process.
 */
export async function flushLog(processLogger: ProcessLogger): Promise<void> {
  if (!await processLogger.flush()) process.kill(process.pid, 'SIGKILL');
}
