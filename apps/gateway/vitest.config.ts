import { defineConfig } from 'vitest/config';
import { sharedConfig } from '../../vitest.shared.ts';

/** The state of node:cluster is the process's own, and no test can put it back; memory is measured without what other tests leave to be collected. */
const ALONE = [
  'test/process/worker-fleet.test.ts', 'test/bounds/retained-memory.test.ts',
  // All clocks are false in these: whatever an earlier file left running in the process would run in false time as well, thousands of turns for a minute.
  'test/access/limits/limiter.test.ts', 'test/access/limits/lease-book.test.ts', 'test/access/limits/token-book.test.ts', 'test/observe/log/report-old-requests.test.ts',
];

const { include, exclude = [], pool, ...each } = sharedConfig.test ?? {};
// Starting a process takes seconds on a busy machine.
const settings = { ...each, testTimeout: 60_000 };

export default defineConfig({
  test: {
    ...(pool === undefined ? {} : { pool }),
    // One more than there are cores: a good third of the time is spent waiting for processes that start, drain and end.
    maxWorkers: 3,
    projects: [
      { ...sharedConfig, test: { ...settings, name: 'alone', include: ALONE, exclude, isolate: true } },
      { ...sharedConfig, test: { ...settings, name: 'rest', ...(include === undefined ? {} : { include }), exclude: [...exclude, ...ALONE] } },
    ],
  },
});
