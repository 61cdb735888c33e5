import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** One run of `claude -p`. */
export interface ClaudeCodeRun {
  readonly program: string;
  /** A folder of its own: home and working directory. */
  readonly folder: string;
  readonly baseUrl: string;
  readonly prompt?: string;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Called with the process as soon as it runs. */
  readonly meanwhile?: (child: ChildProcess) => void;
}

/** How a run ended, as far as a user or a script sees it. */
export interface ClaudeCodeEnd {
  readonly exit: number | string;
  /** What is printed at the end. */
  readonly result: unknown;
  readonly isError: unknown;
  /** The status that the error came with; `null` without one. */
  readonly errorStatus: unknown;
  /** The statuses that the client announced a retry for. */
  readonly retriedAfter: readonly unknown[];
  /** Whether it went on with another model. */
  readonly fellBack: boolean;
}

/** The run would else last as long as the client's own patience. */
const TIMEOUT_MS = 240_000;
export const DUMMY_KEY = 'sk-ant-api03-dummy-key-of-a-test';

/** Runs the client once, without a terminal, with nothing of the machine's own settings. */
export async function runClaudeCode({ program, folder, baseUrl, prompt = 'Say hello.', flags = [], environment = {}, stdin, meanwhile }: ClaudeCodeRun): Promise<ClaudeCodeEnd> {
  const child = spawn(program, ['-p', prompt, '--output-format', 'stream-json', '--verbose', ...flags], {
    cwd: folder, stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL',
    env: {
      HOME: folder, PATH: process.env['PATH'] ?? '', ANTHROPIC_BASE_URL: baseUrl, ANTHROPIC_API_KEY: DUMMY_KEY,
      DISABLE_AUTOUPDATER: '1', DISABLE_TELEMETRY: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', ...environment,
    },
  });
  let [printed, complaints] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => { printed += chunk.toString(); });
  child.stderr?.on('data', (chunk: Buffer) => { complaints += chunk.toString(); });
  child.stdin?.end(stdin);
  meanwhile?.(child);
  const [code, signal] = await once(child, 'close') as [number | null, string | null];
  return { exit: code ?? signal ?? '', ...readEnd(printed, complaints) };
}

function readEnd(printed: string, complaints: string): Omit<ClaudeCodeEnd, 'exit'> {
  const lines = printed.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  const last = lines.find(({ type }) => type === 'result');
  return {
    result: last?.['result'] ?? complaints, isError: last?.['is_error'], errorStatus: last?.['api_error_status'] ?? null,
    retriedAfter: lines.filter(({ subtype }) => subtype === 'api_retry').map((line) => line['error_status'] ?? null),
    fellBack: lines.some(({ subtype }) => subtype === 'model_fallback'),
  };
}
