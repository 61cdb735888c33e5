import { defineConfig } from 'vitest/config';
import { sharedConfig } from '../../vitest.shared.ts';

// Without the condition `import`: vitest hands all conditions to Node, and a `require` inside Express would then get an ES module.
const conditions = ['@penstock/source', 'node', 'default'];

export default defineConfig({ ...sharedConfig, resolve: { conditions }, ssr: { resolve: { conditions } } });
