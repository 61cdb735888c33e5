/**
 * The program of the single executable (`scripts/make/executable.mjs`), and of every worker process. It has one entry for everything: `cluster.fork` starts the
 * executable again, so a process that a primary started becomes a worker, and any other one reads its command line.
 */
import cluster from 'node:cluster';
import { skipUnusedExports } from './process/skip-unused-exports.ts';

if (cluster.isWorker) {
  skipUnusedExports();
  await import('./process/workers/worker-main.ts');
} else {
  await import('./main.ts');
}
