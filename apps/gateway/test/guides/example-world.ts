import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { startSimulator } from '@penstock/anthropic-simulator';
import { scrubbedEnvironment } from '@penstock/test-support';
import type { CodeBlock } from './code-blocks.ts';

const APP = resolve(import.meta.dirname, '../..');
const VITEST = resolve(APP, '../../node_modules/vitest/vitest.mjs');
const EXAMPLE_TIMEOUT_MS = 60_000;
/** How an example that serves begins to listen: on a port of its own choice, on loopback or on every address. */
const LISTEN = /\.listen\(\d+(?:, '127\.0\.0\.1')?\)/;
const LISTEN_ANYWHERE = ".listen(0, '127.0.0.1', function () { console.error('port ' + this.address().port); })";

/** Asks a running example one question. */
export type Question = (origin: string) => Promise<Response>;

/** Runs the examples of the packages on this process's Node; the simulator stands in for the Anthropic API. */
export interface ExampleWorld extends AsyncDisposable {
  /** Runs an example to its end and returns what it printed. Rejects when it fails or does not end. */
  run(block: CodeBlock): Promise<string>;
  /** Runs an example that is a vitest file and returns what vitest printed. Rejects when it fails. */
  runTest(block: CodeBlock): Promise<string>;
  /** Starts an example that serves, asks it one question, and returns status and body of the answer. */
  serve(block: CodeBlock, question: Question): Promise<string>;
}

/** Starts the simulator and makes a folder in which examples find the packages that they import. */
export async function createExampleWorld(): Promise<ExampleWorld> {
  const simulator = await startSimulator();
  mkdirSync(join(APP, '.turbo'), { recursive: true });
  const folder = mkdtempSync(join(APP, '.turbo/examples-'));
  let count = 0;
  const start = (block: CodeBlock): ReturnType<typeof spawnExample> => {
    count += 1;
    const script = join(folder, `${count}.mjs`);
    const code = block.code.replaceAll('https://api.anthropic.com', simulator.origin).replace(LISTEN, LISTEN_ANYWHERE);
    writeFileSync(script, stripTypeScriptTypes(code));
    return spawnExample(script);
  };
  return {
    async run(block) {
      const { child, output } = start(block);
      const [code] = await once(child, 'close') as [number | null];
      if (code !== 0) throw new Error(`${block.where} ended with ${code}:\n${output.stdout}\n${output.stderr}`);
      return output.stdout;
    },
    async runTest(block) {
      mkdirSync(join(folder, 'test'), { recursive: true });
      writeFileSync(join(folder, 'test/example.test.ts'), block.code);
      const child = spawn(process.execPath, [VITEST, 'run', '--root', folder, '--config', join(APP, 'vitest.config.ts')], {
        cwd: APP, env: scrubbedEnvironment({ NO_COLOR: '1' }), stdio: ['ignore', 'pipe', 'pipe'], timeout: EXAMPLE_TIMEOUT_MS,
      });
      const output = collect(child);
      const [code] = await once(child, 'close') as [number | null];
      if (code !== 0) throw new Error(`${block.where} ended with ${code}:\n${output.stdout}\n${output.stderr}`);
      return output.stdout;
    },
    async serve(block, question) {
      const { child, output } = start(block);
      const closed = once(child, 'close');
      try {
        for await (const line of createInterface({ input: child.stderr })) {
          const port = /^port (\d+)$/.exec(line)?.[1];
          if (port === undefined) continue;
          const response = await question(`http://127.0.0.1:${port}`);
          return `${response.status} ${await response.text()}`;
        }
        throw new Error(`${block.where} ended before it served:\n${output.stdout}\n${output.stderr}`);
      } finally {
        child.kill('SIGKILL');
        await closed;
      }
    },
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
      await simulator.close();
    },
  };
}

/** Starts a script from source, and keeps what it prints. */
function spawnExample(script: string) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--conditions=@penstock/source', script], {
    cwd: APP, env: scrubbedEnvironment({ NO_COLOR: '1' }), stdio: ['ignore', 'pipe', 'pipe'], timeout: EXAMPLE_TIMEOUT_MS,
  });
  return { child, output: collect(child) };
}

function collect(child: ChildProcessByStdio<null, Readable, Readable>): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => { output.stdout += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { output.stderr += chunk.toString(); });
  return output;
}
