import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const TASKSET = ['/usr/bin/taskset', '/bin/taskset'].find((path) => existsSync(path));

/** Which cores the two sides of a measurement run on; equal where there is only one. */
export const CORES: { readonly load: number; readonly contender: number } = { load: 0, contender: availableParallelism() > 1 ? 1 : 0 };

/** Whether processes can be pinned here (util-linux). */
export const canPin: boolean = TASKSET !== undefined && availableParallelism() > 1;

/** A command line that runs on given cores only, or unchanged where that cannot be done. */
export function pinned(core: number | string, command: readonly string[]): readonly string[] {
  return canPin ? [TASKSET as string, '-c', String(core), ...command] : command;
}
