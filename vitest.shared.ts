import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ViteUserConfig } from 'vitest/config';

// For the workers and for the processes that tests start from the sources: what was compiled once is not compiled again, which is
// half the time in which a gateway starts.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'penstock-compile-cache');

const SOURCE_CONDITION = '@penstock/source';

/** What every package's vitest.config.ts starts from: workspace packages resolve to their sources, so tests need no build. */
export const sharedConfig: ViteUserConfig = {
  resolve: { conditions: [SOURCE_CONDITION, 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: [SOURCE_CONDITION, 'node', 'import', 'default'] } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/slow/**', '**/node_modules/**'],
    setupFiles: [fileURLToPath(new URL('packages/test-support/src/follow-fake-time.ts', import.meta.url))],
    // A test that waits for an event that does not come fails by its own limit; this one is for what computes, on a machine that is busy with others.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for comes when it comes: on a busy machine a second is too short for what a quiet one does in ten milliseconds.
    expect: { poll: { timeout: 45_000 } },
    pool: 'forks',
    maxWorkers: 2,
    // Files share a process one after the other: each leaves it as it found it, and nothing is loaded a hundred times.
    isolate: false,
  },
};

/** The slow suite of a package lives in test/slow and runs one file at a time. */
export const slowConfig: ViteUserConfig = {
  ...sharedConfig,
  test: {
    ...sharedConfig.test,
    include: ['test/slow/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    testTimeout: 600_000,
    // Installed trees are removed in hooks, file by file.
    hookTimeout: 600_000,
    fileParallelism: false,
    // What is measured here is measured in a process of its own.
    isolate: true,
    passWithNoTests: true,
  },
};
