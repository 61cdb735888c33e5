import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const INSTALL_TIMEOUT_MS = 540_000;
const FOLDER = join(tmpdir(), 'penstock-bench-peers');

/** The peers of npm and their versions: they are installed outside the workspace, on demand, and are a dependency of no package. */
const NODE_PEERS = { fastify: '5', '@fastify/http-proxy': '11', httpxy: '0.5', '@portkey-ai/gateway': '1.15' };

const installs = new Map<string, Promise<string>>();

/** Runs an install once; later callers get the same folder, or the same reason. */
function once(name: string, install: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(FOLDER, name);
  let running = installs.get(name);
  if (running === undefined) {
    mkdirSync(folder, { recursive: true });
    running = install(folder).then(() => folder);
    installs.set(name, running);
  }
  return running;
}

/** The folder in which the npm peers are installed. */
export function installNodePeers(): Promise<string> {
  return once('node', async (folder) => {
    if (existsSync(join(folder, 'node_modules', '@portkey-ai'))) return;
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: NODE_PEERS }));
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], folder);
  });
}

/** The version of Claude Code whose gateway is measured. It has its own terms, and a quarter of a gigabyte. */
const CLAUDE_CODE = '2.1.332';

/** The path of Claude Code's command. */
export async function installClaudeCode(): Promise<string> {
  const folder = await once(`claude-code-${CLAUDE_CODE}`, async (own) => {
    if (existsSync(join(own, 'node_modules', '.bin', 'claude'))) return;
    writeFileSync(join(own, 'package.json'), JSON.stringify({ private: true, dependencies: { '@anthropic-ai/claude-code': CLAUDE_CODE } }));
    await run('npm', ['install', '--no-audit', '--no-fund'], own);
  });
  return join(folder, 'node_modules', '.bin', 'claude');
}

/** The folder of a Python environment that holds LiteLLM's proxy. */
export function installLiteLlm(): Promise<string> {
  return once('litellm', async (folder) => {
    const isWhole = existsSync(join(folder, 'bin', 'litellm'));
    if (isWhole) return;
    await run('python3', ['-m', 'venv', folder], folder);
    await run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', 'litellm[proxy]'], folder);
  });
}

/** The path of Bifrost's command. */
export function installBifrost(): Promise<string> {
  return once('bifrost', async (folder) => {
    if (existsSync(join(folder, 'bifrost-http'))) return;
    await run('go', ['install', 'github.com/maximhq/bifrost/transports/bifrost-http@latest'], folder, { GOBIN: folder });
  });
}

function run(program: string, parameters: readonly string[], folder: string, variables: Readonly<Record<string, string>> = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { cwd: folder, env: { ...process.env, ...variables }, stdio: ['ignore', 'ignore', 'pipe'], timeout: INSTALL_TIMEOUT_MS });
    let told = '';
    child.stderr.on('data', (chunk: Buffer) => { told = (told + chunk.toString()).slice(-2_000); });
    child.on('error', (error) => reject(new Error(`${program} could not be run: ${error.message}`)));
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`it could not be installed: ${lastLine(told) || `${program} ended with ${String(code)}`}`));
    });
  });
}

/** The last line that says something, without the address of a registry. */
function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').trim().replaceAll(/https?:\/\/\S+/g, 'the registry').slice(0, 160);
}
