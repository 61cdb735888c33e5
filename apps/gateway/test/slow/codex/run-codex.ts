import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One run of `codex exec`. */
export interface CodexRun {
  readonly program: string;
  /** A folder of its own: home and working directory. */
  readonly folder: string;
  readonly baseUrl: string;
  readonly model: string;
  readonly prompt: string;
  readonly flags?: readonly string[];
  /** Whether the client asks the gateway what it knows of the model. */
  readonly asksForModels?: boolean;
}

/** How a run ended. */
export interface CodexEnd {
  readonly exit: number | string;
  /** The events that it printed. */
  readonly events: readonly CodexEvent[];
  /** The texts of the assistant. */
  readonly messages: readonly string[];
  /** Everything that it complained of, printed errors included. */
  readonly complaints: string;
}

/** One line of `codex exec --json`. */
export interface CodexEvent {
  readonly type: string;
  readonly message?: string;
  readonly thread_id?: string;
  readonly item?: { readonly type: string; readonly text?: string; readonly aggregated_output?: string };
}

/** The run would else last as long as the client's own patience. */
const TIMEOUT_MS = 240_000;

function writeConfig({ folder, baseUrl, model, asksForModels = false }: CodexRun): void {
  mkdirSync(join(folder, '.codex'), { recursive: true });
  writeFileSync(join(folder, '.codex/config.toml'), [
    `model = "${model}"`, 'model_provider = "penstock"', 'approval_policy = "never"', 'sandbox_mode = "danger-full-access"',
    ...(asksForModels ? ['[features]', 'api_key_model_discovery = true'] : []),
    '[model_providers.penstock]', 'name = "penstock"', `base_url = "${baseUrl}"`, 'env_key = "PENSTOCK_KEY"', 'wire_api = "responses"', ...(asksForModels ? [`model_catalog_url = "${baseUrl}/models"`] : []), '',
  ].join('\n'));
}

/** Runs the client once, without a terminal, with nothing of the machine's own settings. `flags` may begin with a subcommand such as `resume`. */
export async function runCodex(run: CodexRun): Promise<CodexEnd> {
  writeConfig(run);
  const { program, folder, prompt, flags = [] } = run;
  const child = spawn(program, ['exec', '--json', '--skip-git-repo-check', ...flags, '--', prompt], {
    cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL',
    env: { HOME: folder, PATH: process.env['PATH'] ?? '', PENSTOCK_KEY: 'sk-dummy-key-of-a-test' },
  });
  let [printed, complaints] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => { printed += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { complaints += chunk.toString(); });
  const [code, signal] = await once(child, 'close') as [number | null, string | null];
  const events = printed.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as CodexEvent);
  return {
    exit: code ?? signal ?? '', events,
    messages: events.flatMap(({ type, item }) => (type === 'item.completed' && item?.type === 'agent_message' ? [item.text ?? ''] : [])),
    complaints: complaints + events.flatMap(({ type, message }) => (type === 'error' ? [message] : [])).join('\n'),
  };
}
