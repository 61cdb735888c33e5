import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { scrubbedEnvironment } from '@penstock/test-support';

/** Starts a program on a host, and resolves when it has printed `readyText`. */
export async function startOnHost(space: string, program: string, args: readonly string[], readyText: string): Promise<ChildProcess> {
  // `ip netns exec` becomes the program itself, so that the process id is the program's.
  const child = spawn('ip', ['netns', 'exec', space, program, ...args], {
    env: scrubbedEnvironment({ ANTHROPIC_API_KEY: 'sk-ant-test' }), cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ready = new Promise<void>((done) => {
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => { if ((output += chunk.toString()).includes(readyText)) done(); });
  });
  const ended = once(child, 'exit').then(() => { throw new Error(`${program} ended before it was ready:\n${output}`); });
  await Promise.race([ready, ended]);
  ended.catch(() => undefined);
  return child;
}

/** Starts a program of this workspace on a host, from its source. */
export async function startNodeOnHost(space: string, args: readonly string[], readyText: string): Promise<ChildProcess> {
  return await startOnHost(space, process.execPath, ['--conditions=@penstock/source', ...args], readyText);
}
