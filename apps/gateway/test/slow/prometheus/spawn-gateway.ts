import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scrubbedEnvironment } from '@penstock/test-support';

/** A gateway in a process of its own, started by its own command. */
export interface SpawnedGateway {
  readonly process: ChildProcess;
  readonly port: number;
  readonly operationsPort: number;
  readonly configFile: string;
  /** What a client's base URL would be. */
  readonly anthropic: string;
  [Symbol.asyncDispose](): Promise<void>;
}

const MAIN = new URL('../../../src/main.ts', import.meta.url).pathname;

/** Reads the ports from the words that the command prints when it is ready; goes on reading, or the process would write into a closed pipe. */
function readPorts(child: ChildProcess): Promise<{ readonly port: number; readonly operationsPort: number }> {
  let printed = '';
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`the gateway did not start: ${printed}`)));
    child.stderr?.on('data', (chunk) => {
      printed += String(chunk);
      const port = /Anthropic API +http:\/\/[\d.]+:(\d+)\//.exec(printed)?.[1];
      const operationsPort = /metrics +http:\/\/[\d.]+:(\d+)\//.exec(printed)?.[1];
      if (port !== undefined && operationsPort !== undefined) resolve({ port: Number(port), operationsPort: Number(operationsPort) });
    });
  });
}

/** The processes of the workers of a gateway. */
export function workersOf({ process: { pid = 0 } }: SpawnedGateway): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter((child) => child !== '').map(Number);
}

/** Starts `penstock start` with a configuration file of its own, on free ports; `nodeOptions` go to Node before the command. */
export async function spawnGateway(document: Readonly<Record<string, unknown>>, nodeOptions: readonly string[] = []): Promise<SpawnedGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-gateway-'));
  const configFile = join(folder, 'config.json');
  const server = { port: 0, ...(typeof document['server'] === 'object' ? document['server'] : {}) };
  await writeFile(configFile, JSON.stringify({ operations: { port: 0 }, log: { destination: join(folder, 'log.jsonl') }, ...document, server }));
  const child = spawn(process.execPath, ['--conditions=@penstock/source', ...nodeOptions, MAIN, 'start', '--config', configFile], {
    stdio: ['ignore', 'ignore', 'pipe'], env: scrubbedEnvironment(), cwd: folder,
  });
  const exited = once(child, 'exit');
  const ports = await readPorts(child);
  return {
    process: child, configFile, ...ports, anthropic: `http://127.0.0.1:${ports.port}/anthropic`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
