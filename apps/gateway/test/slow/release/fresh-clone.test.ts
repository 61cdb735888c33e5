import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { codeBlocks } from '../../guides/code-blocks.ts';
import { newcomerEnvironment } from './newcomer-environment.ts';
import { createScratchFolder } from './scratch-folder.ts';
import { mustRun, ROOT, sizeOf } from './workspace.ts';

const scratch = createScratchFolder();
afterAll(() => scratch.remove());

const [start, ask] = codeBlocks('README.md').filter(({ language }) => language === 'sh').slice(0, 2);

test('from a fresh clone and an empty home, the first commands of the README lead to a streamed answer', async () => {
  const [get, command = ''] = start?.code.split('\n') ?? [];
  expect(get).toMatch(/^git clone URL penstock && cd penstock /);
  expect(command).toBe('npx -y pnpm@12 start');
  expect(ask?.code).toContain('curl -N http://127.0.0.1:8000/anthropic/v1/messages');
  const clone = join(scratch.path, 'penstock');
  const home = join(scratch.path, 'home');
  mkdirSync(home);
  mustRun('git', ['clone', '--quiet', '--no-hardlinks', ROOT, clone]);

  const startedAt = performance.now();
  const child = spawn('bash', ['-c', `exec ${command}`], {
    cwd: clone, detached: true, stdio: ['ignore', 'ignore', 'pipe'],
    env: newcomerEnvironment(home, { PENSTOCK_PORT: '0', PENSTOCK_OPERATIONS_PORT: '0' }),
  });
  const closed = once(child, 'close');
  const sdks = ['openai', '@anthropic-ai/sdk', 'playwright-core'].map((name) => join(clone, 'apps/gateway/node_modules', name));
  try {
    let text = '';
    for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
      text += String(chunk);
      if (text.includes('Try it:')) break;
    }
    child.stderr.resume();
    expect(text).toContain('THE BUILT-IN SIMULATOR');
    const origin = /ready on (\S+)/.exec(text)?.[1] ?? '';
    const answer = mustRun('bash', ['-c', (ask?.code ?? '').replace('http://127.0.0.1:8000', origin)]);
    console.log(`from a fresh clone to a streamed answer: ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
    expect(answer).toContain('event: message_stop');
    // The SDKs of the test suites are installed by the first command that needs them.
    console.log(`installed for it: ${(sizeOf(join(clone, 'node_modules')) / 1e6).toFixed(0)} MB`);
    expect(sdks.filter((path) => existsSync(path))).toEqual([]);
  } finally {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
    await closed;
  }
  const { status, stdout, stderr } = spawnSync('bash', ['-c', 'npx -y pnpm@12 --filter @penstock/option-names test'], { cwd: clone, env: newcomerEnvironment(home, {}), encoding: 'utf8' });
  expect(status, `${stdout}${stderr}`).toBe(0);
});
