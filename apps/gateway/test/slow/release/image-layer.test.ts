import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readDockerfile, runDockerfile, type BuiltImage } from './dockerfile-steps.ts';
import { createImagePlace, type ImagePlace } from './image-place.ts';
import { newcomerEnvironment } from './newcomer-environment.ts';
import { createScratchFolder } from './scratch-folder.ts';
import { sizeOf } from './workspace.ts';

const MAX_LAYER_BYTES = 30_000_000;
const scratch = createScratchFolder();
const instructions = readDockerfile();
let place: ImagePlace;
let image: BuiltImage;

beforeAll(() => {
  place = createImagePlace(scratch.path, instructions.filter(({ name }) => name === 'FROM').length);
  const home = place.hasRoots ? '/root' : place.fileOf(0, '/root');
  const prefix = place.hasRoots ? '/usr/local' : place.fileOf(0, '/usr/local');
  const environment = newcomerEnvironment(home, { npm_config_prefix: prefix, ...(place.hasRoots ? { npm_config_userconfig: '/root/.npmrc', TMPDIR: '/tmp' } : {}) });
  // The image's Node, and what its steps install; nothing of this workspace.
  environment['PATH'] = [join(prefix, 'bin'), ...(place.hasRoots ? [] : [dirname(process.execPath)]), environment['PATH'] ?? ''].join(delimiter);
  image = runDockerfile(instructions, place, environment);
}, 1_200_000);
afterAll(() => scratch.remove(), 600_000);

test('the steps of the Dockerfile work as they are written, and only those before the sources ask a registry', () => {
  for (const [command, seconds] of image.took) console.log(`RUN ${command.slice(0, 60)}: ${seconds.toFixed(0)} s`);
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
  const bytes = sizeOf(place.fileOf(1, '/app'));
  console.log(`application layer: ${(bytes / 1e6).toFixed(1)} MB`);
  expect(bytes).toBeLessThan(MAX_LAYER_BYTES);
  for (const name of ['healthcheck.mjs', 'LICENSE', 'THIRD-PARTY-NOTICES.md']) expect(existsSync(join(place.fileOf(1, '/app'), name))).toBe(true);
});

test('the image runs as its own user on a root that cannot be written, answers its health check, and ends with 0 on SIGTERM', async () => {
  const startedAt = performance.now();
  const start = image.command([...image.entrypoint, 'start', '--simulate'], { PENSTOCK_PORT: '0', PENSTOCK_OPERATIONS_PORT: '0' });
  const child = spawn(start.file, start.args, { cwd: start.cwd, env: start.env, stdio: ['ignore', 'ignore', 'pipe'] });
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
  if (place.hasRoots) {
    expect(readlinkSync(`/proc/${child.pid}/root`)).toBe(place.fileOf(1, '/').replace(/\/$/, ''));
    expect(readFileSync(`/proc/${child.pid}/status`, 'utf8')).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m);
    expect(readFileSync(`/proc/${child.pid}/mountinfo`, 'utf8')).toMatch(/ \/ ro,/);
  }
  const port = /metrics +http:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1] ?? '';
  const check = image.command(image.healthcheck, { PENSTOCK_OPERATIONS_PORT: port });
  const { status, stderr } = spawnSync(check.file, check.args, { cwd: check.cwd, env: check.env, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
});
