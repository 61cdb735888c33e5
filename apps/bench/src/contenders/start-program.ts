import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { endWithUs } from '../process/children.ts';
import { pinned } from '../process/spawn-pinned.ts';
import type { ContenderEnvironment } from './contender.ts';

/** A contender's program that is up. */
export interface StartedProgram {
  readonly pid: number;
  /** The folder it runs in. */
  readonly folder: string;
  stop(): Promise<void>;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Nothing of the environment but what a program needs to run: no key, no proxy, no option of ours. */
function plainEnvironment(extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, LANG } = process.env;
  return { PATH, HOME, LANG, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...extra };
}

/** Starts a program on the contender's core, its output to a file, and waits until it listens. */
export async function startProgram(
  command: readonly string[], port: number, environment: Pick<ContenderEnvironment, 'folder' | 'core' | 'upstreamCaFile'>,
  { variables = {}, timeoutMs = 20_000 }: { readonly variables?: Readonly<Record<string, string>>; readonly timeoutMs?: number } = {},
): Promise<StartedProgram> {
  const trusted = environment.upstreamCaFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: environment.upstreamCaFile };
  const output = openSync(join(environment.folder, 'output.log'), 'a');
  const [program, ...rest] = pinned(environment.core, command);
  const child = spawn(program as string, rest, { cwd: environment.folder, env: plainEnvironment({ ...trusted, ...variables }), stdio: ['ignore', output, output] });
  endWithUs(child);
  await once(child, 'spawn');
  const stop = (): Promise<void> => end(child);
  try {
    await untilListening(child, port, timeoutMs);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid ?? -1, folder: environment.folder, stop };
}

async function untilListening(child: ChildProcess, port: number, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode} before it listened`);
    if (await canConnect(port)) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error(`it did not listen within ${timeoutMs / 1_000} s`);
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 1_500);
  await exited;
  clearTimeout(timer);
}
