import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The protocols of the program, each by the package that it loads for it. */
export const OPENCODE_PROTOCOLS = { chat: '@ai-sdk/openai-compatible', responses: '@ai-sdk/openai' } as const;

/** One run of `opencode run`. */
export interface OpencodeRun {
  readonly program: string;
  /** A folder of its own; home and working directory stand in it. */
  readonly folder: string;
  readonly baseUrl: string;
  readonly protocol: keyof typeof OPENCODE_PROTOCOLS;
  readonly model: string;
  readonly prompt: string;
  readonly flags?: readonly string[];
}

/** How a run ended. */
export interface OpencodeEnd {
  readonly exit: number | string;
  /** The texts of the assistant. */
  readonly texts: readonly string[];
  /** The tools that ran, by name and state. */
  readonly tools: readonly (readonly [name: string | undefined, status: string | undefined])[];
  /** Everything that it printed as an error. */
  readonly complaints: string;
}

interface OpencodeEvent {
  readonly type: string;
  readonly part?: { readonly text?: string; readonly tool?: string; readonly state?: { readonly status?: string } };
  readonly error?: unknown;
}

const TIMEOUT_MS = 240_000;

function writeConfig({ baseUrl, protocol, model }: OpencodeRun, project: string): void {
  const models = { [model]: { name: model, reasoning: true, attachment: true, tool_call: true, modalities: { input: ['text', 'image'], output: ['text'] }, limit: { context: 200_000, output: 32_000 } } };
  const provider = { penstock: { npm: OPENCODE_PROTOCOLS[protocol], name: 'Penstock', options: { baseURL: baseUrl, apiKey: 'sk-dummy-key-of-a-test' }, models } };
  writeFileSync(join(project, 'opencode.json'), JSON.stringify({ autoupdate: false, share: 'disabled', permission: { '*': 'allow' }, provider }));
}

/** The folder in which the program works. */
export function projectOf(folder: string): string {
  const project = join(folder, 'project');
  mkdirSync(project, { recursive: true });
  return project;
}

/** Runs the client once, without a terminal, with nothing of the machine's own settings. A title spares the request that makes one. */
export async function runOpencode(run: OpencodeRun): Promise<OpencodeEnd> {
  const { program, folder, model, prompt, flags = [] } = run;
  const project = projectOf(folder);
  writeConfig(run, project);
  const child = spawn(program, ['run', '--format', 'json', '--title', 'a session', '--model', `penstock/${model}`, prompt, ...flags], {
    cwd: project, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL',
    env: { HOME: folder, PATH: process.env['PATH'] ?? '', OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_LSP_DOWNLOAD: '1' },
  });
  let [printed, complaints] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => { printed += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { complaints += chunk.toString(); });
  const [code, signal] = await once(child, 'close') as [number | null, string | null];
  const events = printed.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as OpencodeEvent);
  return {
    exit: code ?? signal ?? '',
    texts: events.flatMap(({ type, part }) => (type === 'text' ? [part?.text ?? ''] : [])),
    tools: events.flatMap(({ type, part }) => (type === 'tool_use' ? [[part?.tool, part?.state?.status] as const] : [])),
    complaints: complaints + events.flatMap(({ type, error }) => (type === 'error' ? [JSON.stringify(error)] : [])).join('\n'),
  };
}
