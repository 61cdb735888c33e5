import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';

/** A gateway that a shell command started. */
export interface InstalledGateway {
  readonly origin: string;
  readonly operations: string;
  /** From the start of the command to the last byte of the first answer, in milliseconds. */
  readonly firstAnswerMs: number;
  readonly firstAnswer: string;
  /** Sends SIGTERM. Resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Ends it at once, where a test failed before it stopped it. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Where and with what a command runs. */
export interface InstalledOptions {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Fields of the first request, beside its content type. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Starts a gateway with a command, as a shell would run it, and asks for one streamed answer. Throws with what it wrote where it ends before. */
export async function startInstalled(command: string, { cwd, environment, headers = {} }: InstalledOptions): Promise<InstalledGateway> {
  const startedAt = performance.now();
  const child = spawn('/bin/bash', ['-c', `exec ${command}`], { cwd, env: { PENSTOCK_PORT: '0', PENSTOCK_OPERATIONS_PORT: '0', ...environment }, stdio: ['ignore', 'ignore', 'pipe'] });
  const closed = once(child, 'close');
  let text = '';
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes('Try it:')) break;
  }
  child.stderr.resume();
  const [origin, operations] = [/ready on (\S+)/.exec(text)?.[1], /metrics +(\S+)\/metrics/.exec(text)?.[1]];
  if (origin === undefined || operations === undefined) throw new Error(`${command} did not start:\n${text}`);
  const response = await fetch(`${origin}/anthropic/v1/messages`, {
    method: 'POST', headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 64, stream: true, messages: [{ role: 'user', content: 'Say hello' }] }),
  });
  const firstAnswer = await response.text();
  return {
    origin, operations, firstAnswer, firstAnswerMs: performance.now() - startedAt,
    async stop() {
      child.kill('SIGTERM');
      return (await closed)[0] as number | null;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
