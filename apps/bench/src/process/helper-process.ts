import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { endWithUs } from './children.ts';
import { pinned } from './spawn-pinned.ts';

interface Call { readonly id: number; readonly name: string; readonly parameters: unknown }
interface Answer { readonly id: number; readonly result?: unknown; readonly error?: string }

/** A part of the benchmark that runs in a process of its own and answers calls. */
export interface HelperProcess {
  readonly pid: number;
  call<Result>(name: string, parameters?: unknown): Promise<Result>;
  stop(): Promise<void>;
}

/** Starts one of this package's own programs on a core; resolves when it answers. */
export async function startHelper(program: URL, core: number): Promise<HelperProcess> {
  const [command, ...rest] = pinned(core, [process.execPath, ...process.execArgv, fileURLToPath(program)]);
  const child = spawn(command as string, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  endWithUs(child);
  await once(child, 'message');
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let calls = 0;
  child.on('message', (message) => {
    const { id, result, error } = message as Answer;
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error));
  });
  child.on('exit', () => { for (const call of waiting.values()) call.reject(new Error(`${program.pathname} ended`)); });
  return {
    pid: child.pid ?? -1,
    call: <Result>(name: string, parameters?: unknown) => new Promise<Result>((resolve, reject) => {
      calls += 1;
      waiting.set(calls, { resolve: (value) => resolve(value as Result), reject });
      child.send({ id: calls, name, parameters });
    }),
    stop: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Answers the calls of the process that started this one. */
export function serveCalls(handlers: Readonly<Record<string, (parameters: never) => unknown>>): void {
  const answer = async ({ id, name, parameters }: Call): Promise<Answer> => {
    try {
      return { id, result: await handlers[name]?.(parameters as never) };
    } catch (error) {
      return { id, error: error instanceof Error ? error.message : String(error) };
    }
  };
  process.on('message', (call) => void answer(call as Call).then((message) => process.send?.(message)));
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready');
}
