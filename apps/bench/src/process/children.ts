import type { ChildProcess } from 'node:child_process';

const running = new Set<ChildProcess>();

/** Ends a child together with this process, however that ends. */
export function endWithUs(child: ChildProcess): void {
  running.add(child);
  child.once('exit', () => running.delete(child));
}

process.on('exit', () => { for (const child of running) child.kill('SIGTERM'); });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
