import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort, scrubbedEnvironment } from '@penstock/test-support';

/** The `penstock` command as a process of its own, from the sources. */
export interface PenstockProcess {
  readonly child: ChildProcess;
  readonly port: number;
  readonly operationsPort: number;
  readonly origin: string;
  readonly operations: string;
  /** Rewrites the configuration file. */
  configure(document: Readonly<Record<string, unknown>>): void;
  stdout(): string;
  stderr(): string;
  /** The code or signal it ended with. */
  readonly exited: Promise<number | string>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What to run. */
export interface RunPenstock {
  /** The configuration file's content; ports are filled in. */
  readonly document?: Readonly<Record<string, Readonly<Record<string, unknown>> | readonly unknown[]>>;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The descriptor of its standard output. @defaultValue a pipe, which is read */
  readonly stdout?: number | 'pipe';
  /** Another copy of the program. @defaultValue the workspace's own */
  readonly main?: string;
}

const MAIN = resolve(import.meta.dirname, '../src/main.ts');

/** Runs one command to its end. */
export async function runToEnd(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--conditions=@penstock/source', MAIN, ...args], { env: scrubbedEnvironment(environment), cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] });
  const output = collect(child);
  const [code, signal] = await once(child, 'close') as [number | null, string | null];
  return { code: code ?? signal ?? '', ...output() };
}

function collect(child: ChildProcess): () => { stdout: string; stderr: string } {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => { stdout += chunk.toString(); });
  child.stderr?.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
  return () => ({ stdout, stderr });
}

/** Starts `penstock start` and resolves when it says that it is ready. */
export async function runPenstock({ document = {}, flags = ['--simulate'], environment = {}, main = MAIN, stdout = 'pipe' }: RunPenstock = {}): Promise<PenstockProcess> {
  const [port, operationsPort] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'penstock-'));
  const file = join(folder, 'gateway.json');
  const configure = (next: Readonly<Record<string, unknown>>): void => {
    const { server, operations, ...rest } = next as Record<string, Record<string, unknown> | undefined>;
    // Put in place as a whole: a gateway that watches the file may read it at any moment.
    writeFileSync(`${file}.next`, JSON.stringify({ ...rest, server: { port, ...server }, operations: { port: operationsPort, ...operations } }));
    renameSync(`${file}.next`, file);
  };
  configure(document);
  const child = spawn(process.execPath, ['--conditions=@penstock/source', main, 'start', '--config', file, ...flags], {
    env: scrubbedEnvironment(environment), cwd: folder, stdio: ['ignore', stdout, 'pipe'],
  });
  const output = collect(child);
  const exited = (async (): Promise<number | string> => {
    const [code, signal] = await once(child, 'close') as [number | null, string | null];
    rmSync(folder, { recursive: true, force: true });
    return code ?? signal ?? '';
  })();
  let hasEnded = false;
  void exited.then(() => { hasEnded = true; return undefined; });
  while (!output().stderr.includes('Try it:')) {
    if (hasEnded) throw new Error(`penstock ended before it was ready:\n${output().stderr}\n${output().stdout}`);
    await new Promise((next) => { setTimeout(next, 20); });
  }
  return {
    child, port, operationsPort, configure, exited,
    origin: `http://127.0.0.1:${port}`,
    operations: `http://127.0.0.1:${operationsPort}`,
    stdout: () => output().stdout,
    stderr: () => output().stderr,
    async [Symbol.asyncDispose]() {
      if (!hasEnded) child.kill('SIGKILL');
      await exited;
    },
  };
}
