import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scrubbedEnvironment } from '@penstock/test-support';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createScratchFolder } from './scratch-folder.ts';
import { buildWorkspace, mustRun, ROOT, sizeOf } from './workspace.ts';

const MAX_LAYER_BYTES = 30_000_000;
const scratch = createScratchFolder();
const app = join(scratch.path, 'app');

beforeAll(() => {
  buildWorkspace();
  // The commands of the image's build stage, read from it, so that what is measured is what is shipped.
  const dockerfile = readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8');
  const commands = [/npx -y pnpm@12(?:\.\d+)* --filter=@penstock\/gateway deploy .*$/m, /find \/app\/node_modules .*$/m].map((pattern) => pattern.exec(dockerfile)?.[0]);
  for (const command of commands) {
    if (command === undefined) throw new Error('the Dockerfile does not pack the application as this test knows it');
    mustRun('sh', ['-c', command.replace(' /app', ` ${app}`)]);
  }
}, 600_000);
afterAll(() => scratch.remove());

test('the application layer of the image is below 30 MB', () => {
  const bytes = sizeOf(app);
  console.log(`application layer: ${(bytes / 1e6).toFixed(1)} MB`);
  expect(bytes).toBeLessThan(MAX_LAYER_BYTES);
});

test('the packed application starts where nothing else is, answers its health check, and ends with 0 on SIGTERM', async () => {
  const child = spawn(process.execPath, [join(app, 'dist/main.js'), 'start', '--simulate'], {
    cwd: '/', env: scrubbedEnvironment({ PENSTOCK_PORT: '0', PENSTOCK_OPERATIONS_PORT: '0', NODE_ENV: 'production' }), stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes('Try it:')) break;
  }
  child.stderr.resume();
  const port = /metrics +http:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1] ?? '';
  mustRun(process.execPath, [join(ROOT, 'deploy/healthcheck.mjs')], '/', { PENSTOCK_OPERATIONS_PORT: port });
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
});
