import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { scrubbedEnvironment } from '@penstock/test-support';
import type { CodeBlock } from './code-blocks.ts';

const APP = resolve(import.meta.dirname, '../..');
const MAIN = join(APP, 'src/main.ts');
const FROM_SOURCE = '--conditions=@penstock/source';
const READY_TIMEOUT_MS = 60_000;
const BLOCK_TIMEOUT_MS = 60_000;

/** How a block ended. */
export interface BlockResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A reader's machine: a gateway that runs, `penstock` on the path, an empty folder to work in. */
export interface GuideWorld extends AsyncDisposable {
  /** Runs a block as printed, the addresses of the guides replaced by those of the gateway here. */
  run(block: CodeBlock, python?: string): Promise<BlockResult>;
}

/** Starts `penstock start --simulate` on free ports, as a process of its own. */
export async function createGuideWorld(): Promise<GuideWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-guides-'));
  // Inside the application's package, so that a block finds the packages that it names; the folder is in no commit.
  const scripts = join(APP, '.turbo/guides');
  mkdirSync(scripts, { recursive: true });
  writeFileSync(join(folder, 'penstock'), `#!/bin/sh\nexec "${process.execPath}" ${FROM_SOURCE} "${MAIN}" "$@"\n`);
  chmodSync(join(folder, 'penstock'), 0o755);
  const gateway = spawn(process.execPath, [FROM_SOURCE, MAIN, 'start', '--simulate'], {
    env: scrubbedEnvironment({ PENSTOCK_PORT: '0', PENSTOCK_OPERATIONS_PORT: '0' }), cwd: folder, stdio: ['ignore', 'ignore', 'pipe'],
  });
  const { origin, operations } = await whenReady(gateway.stderr);
  const located = (text: string): string => text
    .replaceAll('http://127.0.0.1:8000', origin).replaceAll('http://127.0.0.1:9464', operations)
    .replaceAll('npx -y pnpm@12 penstock', 'penstock');
  const environment = scrubbedEnvironment({ PATH: `${folder}:${process.env['PATH'] ?? ''}`, NO_COLOR: '1' });
  let count = 0;
  const commandOf = ({ language, code }: CodeBlock, python: string): readonly [string, readonly string[]] => {
    if (language === 'sh') return ['bash', ['-euo', 'pipefail', '-c', located(code)]];
    if (language === 'python') return [python, ['-c', located(code)]];
    count += 1;
    const script = join(scripts, `${process.pid}-${count}.mjs`);
    writeFileSync(script, stripTypeScriptTypes(located(code)));
    return [process.execPath, ['--disable-warning=ExperimentalWarning', FROM_SOURCE, script]];
  };
  return {
    run: (block, python = 'python3') => runCommand(...commandOf(block, python), folder, environment),
    async [Symbol.asyncDispose]() {
      gateway.kill('SIGKILL');
      await once(gateway, 'close');
      rmSync(folder, { recursive: true, force: true });
      rmSync(scripts, { recursive: true, force: true });
    },
  };
}

async function whenReady(stderr: Readable): Promise<{ origin: string; operations: string }> {
  let text = '';
  const deadline = setTimeout(() => { stderr.emit('error', new Error(`the gateway did not get ready:\n${text}`)); }, READY_TIMEOUT_MS);
  for await (const chunk of stderr.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    const origin = /ready on (\S+)/.exec(text)?.[1];
    const operations = /metrics +(\S+)\/metrics/.exec(text)?.[1];
    if (origin === undefined || operations === undefined) continue;
    clearTimeout(deadline);
    stderr.resume();
    return { origin, operations };
  }
  throw new Error(`the gateway ended:\n${text}`);
}

async function runCommand(command: string, args: readonly string[], cwd: string, env: Record<string, string>): Promise<BlockResult> {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: BLOCK_TIMEOUT_MS });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
  const [code] = await once(child, 'close') as [number | null];
  return { code, stdout, stderr };
}
