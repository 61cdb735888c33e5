import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { scrubbedEnvironment } from '@penstock/test-support';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readDockerfile, runDockerfile } from './dockerfile-steps.ts';
import { newcomerEnvironment } from './newcomer-environment.ts';
import { createScratchFolder } from './scratch-folder.ts';
import { mustRun, ROOT, sizeOf } from './workspace.ts';

const MAX_LAYER_BYTES = 30_000_000;
const scratch = createScratchFolder();
const app = join(scratch.path, 'app');
const instructions = readDockerfile();
let took: ReadonlyMap<string, number> = new Map();

beforeAll(() => {
  const [home, prefix] = [join(scratch.path, 'home'), join(scratch.path, 'prefix')];
  for (const path of [home, prefix]) mkdirSync(path);
  const environment = newcomerEnvironment(home, { npm_config_prefix: prefix });
  // The image's Node, and what its steps install; nothing of this workspace.
  environment['PATH'] = [join(prefix, 'bin'), dirname(process.execPath), environment['PATH'] ?? ''].join(delimiter);
  took = runDockerfile(instructions, scratch.path, environment);
}, 1_200_000);
afterAll(() => scratch.remove(), 600_000);

test('the steps of the Dockerfile work as they are written, and only those before the sources ask a registry', () => {
  for (const [command, seconds] of took) console.log(`RUN ${command.slice(0, 60)}: ${seconds.toFixed(0)} s`);
  expect(instructions.filter(({ name }) => name === 'FROM').length).toBe(2);
  const steps = instructions.filter(({ stage }) => stage === 0);
  const sources = steps.findIndex(({ name, rest }) => name === 'COPY' && rest === '. .');
  const [before, after] = [steps.slice(0, sources), steps.slice(sources)];
  expect(before.filter(({ name }) => name === 'COPY').map(({ rest }) => rest)).toEqual(['.pnpmfile.cjs pnpm-lock.yaml pnpm-workspace.yaml ./']);
  const commands = after.flatMap(({ name, rest }) => (name === 'RUN' ? rest.split(' && ') : [])).filter((command) => /\b(?:pnpm|npm|npx)\b/.test(command));
  expect(commands.length).toBe(2);
  for (const command of commands) expect(command).toContain(' --offline ');
});

test('the application layer of the image is below 30 MB', () => {
  const bytes = sizeOf(app);
  console.log(`application layer: ${(bytes / 1e6).toFixed(1)} MB`);
  expect(bytes).toBeLessThan(MAX_LAYER_BYTES);
  for (const name of ['healthcheck.mjs', 'LICENSE', 'THIRD-PARTY-NOTICES.md']) expect(existsSync(join(app, name))).toBe(true);
});

test('the packed application starts where nothing else is, answers its health check, and ends with 0 on SIGTERM', async () => {
  const startedAt = performance.now();
  const [, main = ''] = JSON.parse(instructions.find(({ name }) => name === 'ENTRYPOINT')?.rest ?? '[]') as string[];
  const child = spawn(process.execPath, [main.replace(/^\/app/, app), 'start', '--simulate'], {
    cwd: '/', env: scrubbedEnvironment({ PENSTOCK_PORT: '0', PENSTOCK_OPERATIONS_PORT: '0', NODE_ENV: 'production' }), stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes('Try it:')) break;
  }
  child.stderr.resume();
  const answer = await fetch(`${/ready on (\S+)/.exec(text)?.[1] ?? ''}/anthropic/v1/messages`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 64, stream: true, messages: [{ role: 'user', content: 'Say hello' }] }),
  });
  expect(await answer.text()).toContain('event: message_stop');
  console.log(`image's application: ${((performance.now() - startedAt) / 1000).toFixed(1)} s from start to the first answer`);
  const port = /metrics +http:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1] ?? '';
  mustRun(process.execPath, [join(ROOT, 'deploy/healthcheck.mjs')], '/', { PENSTOCK_OPERATIONS_PORT: port });
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
});
