import { readdirSync, readFileSync } from 'node:fs';

/** The process and all that descend from it: a master and its workers count as one contender. */
function treeOf(pid: number): number[] {
  const pids = [pid];
  for (const task of tasksOf(pid)) {
    const children = read(`/proc/${pid}/task/${task}/children`).trim();
    for (const child of children === '' ? [] : children.split(' ')) pids.push(...treeOf(Number(child)));
  }
  return pids;
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** The text of a file of /proc, empty once its process is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Nanoseconds of CPU time of all threads of a process and its descendants, from the scheduler's own account (`schedstat`). */
export function cpuNanoseconds(pid: number): number {
  let total = 0;
  for (const member of treeOf(pid)) {
    for (const task of tasksOf(member)) total += Number(read(`/proc/${member}/task/${task}/schedstat`).split(' ')[0] ?? 0);
  }
  return total;
}

/** Resident bytes of a process and its descendants; pages they share are divided among them. */
export function residentBytes(pid: number): number {
  let total = 0;
  for (const member of treeOf(pid)) {
    const rollup = read(`/proc/${member}/smaps_rollup`);
    const name = treeOf(pid).length === 1 ? 'Rss' : 'Pss';
    total += Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) * 1024;
  }
  return total;
}
