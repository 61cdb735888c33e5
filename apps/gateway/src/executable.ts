/**
 * The program of the single executable (`scripts/make/executable.mjs`). It has one entry for everything: `cluster.fork` starts the executable
 * again, so a process that a primary started becomes a worker, and any other one reads its command line.
 */
import cluster from 'node:cluster';

if (cluster.isWorker) await import('./process/workers/worker-main.ts');
else await import('./main.ts');
