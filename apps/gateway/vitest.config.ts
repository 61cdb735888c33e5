import { defineConfig } from 'vitest/config';
import { sharedConfig } from '../../vitest.shared.ts';

// Some tests here start processes of their own, which takes seconds on a busy machine.
export default defineConfig({ ...sharedConfig, test: { ...sharedConfig.test, testTimeout: 60_000 } });
