import { defineConfig } from 'vitest/config';
import { slowConfig } from '../../vitest.shared.ts';

export default defineConfig(slowConfig);
