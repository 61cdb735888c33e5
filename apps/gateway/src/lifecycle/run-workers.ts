import type { RunOptions } from './run-options.ts';

export function runWorkers(_options: RunOptions): Promise<number> {
  throw new Error('not built yet');
}
