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
const EXAMPLE_TIMEOUT_MS = 60_000;
/** How an example that serves begins to listen: on a port of its own choice, on loopback or on every address. */
const LISTEN = /\.listen\(\d+(?:, '127\.0\.0\.1')?\)/;
const LISTEN_ANYWHERE = ".listen(0, '127.0.0.1', function () { console.error('port ' + this.address().port); })";

/** Asks a running example one question. */
export type Question = (origin: string) => Promise<Response>;

/** With what examples run, and where they find the packages that they import. */
export interface ExampleRuntime {
  /** The binary of Node. */
  readonly node: string;
  readonly flags: readonly string[];
  /** Scripts are written below it. */
  readonly folder: string;
  /** The program of vitest, and its arguments beside `run` and `--root`. */
  readonly vitest: readonly string[];
  /** The JavaScript of an example. */
  readonly compile: (block: CodeBlock) => string;
}

/** Runs the examples of the packages; the simulator stands in for the Anthropic API. */
export interface ExampleWorld extends AsyncDisposable {
  /** Runs an example to its end and returns what it printed. Rejects when it fails or does not end. */
  run(block: CodeBlock): Promise<string>;
  /** Runs an example that is a vitest file and returns what vitest printed. Rejects when it fails. */
  runTest(block: CodeBlock): Promise<string>;
  /** Starts an example that serves, asks it one question, and returns status and body of the answer. */
  serve(block: CodeBlock, question: Question): Promise<string>;
}

/** This process's Node and the sources of the packages. */
const FROM_SOURCES: ExampleRuntime = {
  node: process.execPath,
  flags: ['--disable-warning=ExperimentalWarning', '--conditions=@penstock/source'],
  folder: join(APP, '.turbo'),
  vitest: [resolve(APP, '../../node_modules/vitest/vitest.mjs'), '--config', join(APP, 'vitest.config.ts')],
  compile: ({ code }) => stripTypeScriptTypes(code),
};

/** Starts the simulator and makes a folder in which examples find the packages that they import. */
export async function createExampleWorld({ node, flags, folder: parent, vitest, compile }: ExampleRuntime = FROM_SOURCES): Promise<ExampleWorld> {
  const simulator = await startSimulator();
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'examples-'));
  const spawnNode = (...args: readonly string[]) => {
    const child = spawn(node, args, { cwd: folder, env: scrubbedEnvironment({ NO_COLOR: '1' }), stdio: ['ignore', 'pipe', 'pipe'], timeout: EXAMPLE_TIMEOUT_MS });
    return { child, output: collect(child) };
  };
  let count = 0;
  const start = (block: CodeBlock): ReturnType<typeof spawnNode> => {
    count += 1;
    const script = join(folder, `${count}.mjs`);
    writeFileSync(script, compile(block).replaceAll('https://api.anthropic.com', simulator.origin).replace(LISTEN, LISTEN_ANYWHERE));
    return spawnNode(...flags, script);
  };
  const end = async ({ where }: CodeBlock, { child, output }: ReturnType<typeof spawnNode>): Promise<string> => {
    const [code] = await once(child, 'close') as [number | null];
    if (code !== 0) throw new Error(`${where} ended with ${code}:\n${output.stdout}\n${output.stderr}`);
    return output.stdout;
  };
  return {
    run: (block) => end(block, start(block)),
    runTest(block) {
      const root = mkdtempSync(join(folder, 'test-'));
      mkdirSync(join(root, 'test'));
      writeFileSync(join(root, 'test/example.test.ts'), block.code);
      const [program = '', ...args] = vitest;
      return end(block, spawnNode(program, 'run', '--root', root, ...args));
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

function collect(child: ChildProcessByStdio<null, Readable, Readable>): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => { output.stdout += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { output.stderr += chunk.toString(); });
  return output;
}
