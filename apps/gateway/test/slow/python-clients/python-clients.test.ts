import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../start-test-gateway.ts';
import { cachedClient, printSkipped } from '../clients/client-cache.ts';
import { run } from '../release/workspace.ts';

interface PythonClient {
  readonly name: string;
  readonly version: string;
  /** What pip installs, without the version. */
  readonly requirement: string;
  readonly script: string;
  /** The checks of the script; over both protocols where the client has both. */
  readonly checks: readonly string[];
  /** Those whose client gives signed thinking back with the result of a tool. */
  readonly signed?: readonly string[];
}

const both = (...names: readonly string[]): readonly string[] => [...names.map((name) => `chat_${name}`), ...names.map((name) => `responses_${name}`)];

/** The clients that speak OpenAI's protocols from Python, at the versions that the suite was written with. */
const CLIENTS: readonly PythonClient[] = [
  {
    name: 'openai', version: '3.57.0', requirement: 'openai', script: 'openai_package.py',
    checks: [
      'chat', 'chat_stream', 'chat_parse', 'chat_tools_keep_thinking', 'chat_image', 'response', 'response_stream', 'response_parse', 'response_tools_keep_thinking', 'response_tools_stream', 'response_image', 'models', 'errors',
    ],
    signed: ['chat_tools_keep_thinking', 'response_tools_keep_thinking', 'response_tools_stream'],
  },
  { name: 'openai-agents', version: '0.24.0', requirement: 'openai-agents', script: 'agents_sdk.py', checks: both('run', 'tools', 'tools_stream', 'image', 'output_type', 'handoffs', 'stream'), signed: ['responses_tools', 'responses_tools_stream'] },
  {
    name: 'langchain-openai', version: '1.7.4', requirement: 'langchain-openai', script: 'langchain_openai_package.py',
    checks: [...both('invoke', 'stream', 'tools', 'tools_stream', 'image', 'structured_json_schema', 'structured_function_calling'), 'chat_structured_json_mode'],
    signed: ['responses_tools', 'responses_tools_stream'],
  },
  {
    name: 'pydantic-ai', version: '2.38.0', requirement: 'pydantic-ai-slim[openai]', script: 'pydantic_ai_package.py',
    checks: both('text', 'tools', 'tools_stream', 'image', 'tool_output', 'native_output', 'prompted_output', 'stream'), signed: ['responses_tools', 'responses_tools_stream'],
  },
  { name: 'instructor', version: '1.17.0', requirement: 'instructor', script: 'instructor_package.py', checks: ['tools', 'json_schema', 'json', 'responses_tools'] },
  {
    name: 'llama-index-llms-openai-like', version: '0.8.1', requirement: 'llama-index-llms-openai-like', script: 'llama_index_package.py',
    checks: ['chat', 'chat_stream', 'chat_tools', 'chat_image', 'chat_structured', 'completions_are_explained', 'response', 'responses_tools', 'responses_image', 'responses_structured'],
  },
  { name: 'dspy', version: '3.4.1', requirement: 'dspy', script: 'dspy_package.py', checks: ['chat', 'responses', 'predict_json'] },
  {
    name: 'litellm', version: '1.110.2', requirement: 'litellm', script: 'litellm_package.py',
    checks: ['chat', 'chat_stream', 'chat_tools', 'chat_tools_stream', 'chat_image', 'chat_structured', 'chat_context_window', 'responses', 'responses_stream', 'responses_tools', 'responses_tools_stream', 'responses_image', 'responses_structured'],
    signed: ['chat_tools', 'chat_tools_stream', 'responses_tools', 'responses_tools_stream'],
  },
  { name: 'aider-chat', version: '0.86.2', requirement: 'aider-chat', script: 'aider_package.py', checks: ['chat', 'chat_stream', 'chat_edit'] },
  { name: 'llm', version: '0.36', requirement: 'llm', script: 'llm_package.py', checks: both('text', 'image', 'schema', 'tools'), signed: ['responses_tools'] },
];

/** A client may be slow to import on a busy machine; it must not wait for ever. */
const TIMEOUT_MS = 300_000;

let simulator: Simulator;
let gateway: TestGateway;
beforeAll(async () => {
  simulator = await startSimulator();
  gateway = await startTestGateway(simulator.origin, { openai_front_door: { models: [{ model: 'sim-*' }, { model: 'claude-*' }] } });
});
afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

interface Sent {
  readonly messages: readonly { readonly role: string; readonly content: readonly { readonly type: string; readonly text?: string; readonly signature?: string }[] }[];
}

/** The checks whose tool turn came back to the upstream behind its signed thought; each names itself in its question. */
function signedChecks(): readonly string[] {
  const checks = simulator.requests.flatMap(({ method, body }) => {
    const { messages } = (method === 'POST' ? JSON.parse(body.toString()) : { messages: [] }) as Sent;
    const [, check] = /\[call get_weather\] for (\w+)\./.exec(messages.find(({ role }) => role === 'user')?.content[0]?.text ?? '') ?? [];
    const answer = messages.find(({ role }) => role === 'assistant')?.content ?? [];
    const isSigned = answer[0]?.type === 'thinking' && (answer[0].signature ?? '') !== '' && answer.some(({ type }) => type === 'tool_use');
    return isSigned && check !== undefined ? [check] : [];
  });
  return [...new Set(checks)].toSorted();
}

/** Runs a script with nothing of the machine's own settings, and gives what it printed. */
async function runScript(folder: string, script: string): Promise<{ readonly printed: readonly string[]; readonly complaints: string }> {
  const home = mkdtempSync(join(tmpdir(), 'penstock-python-'));
  try {
    const env = {
      HOME: home, PATH: process.env['PATH'] ?? '', PYTHONDONTWRITEBYTECODE: '1', OPENAI_API_KEY: 'sk-dummy-key-of-a-test', OPENAI_BASE_URL: `${gateway.origin}/v1`,
      // LiteLLM would fetch its prices when it is imported.
      LITELLM_LOCAL_MODEL_COST_MAP: 'True',
    };
    const { stdout, stderr } = await promisify(execFile)(join(folder, 'bin/python'), [join(import.meta.dirname, 'scripts', script)], { cwd: home, env, timeout: TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 });
    return { printed: stdout.split('\n').filter((line) => /^(?:ok|failed) /.test(line)), complaints: stderr };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

describe.each(CLIENTS.map((client) => [`${client.name} ${client.version}`, client] as const))('%s through the front door', (_name, { name, version, requirement, script, checks, signed = [] }) => {
  const client = cachedClient(`python-${name}-${version}`, (folder) => {
    if (run('python3', ['-m', 'venv', folder]).code !== 0) return 'python3 with venv is not installed';
    const installed = run(join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries=1', `${requirement}==${version}`]);
    return installed.code === 0 ? undefined : `${requirement}==${version} cannot be installed here`;
  });
  printSkipped(`${name} ${version} over Chat Completions and the Responses API`, client);

  test.skipIf('missing' in client)('does what it does with OpenAI, on a model that refuses forced tools and keywords that cannot be enforced', async () => {
    simulator.clearRequests();
    const { printed, complaints } = await runScript((client as { folder: string }).folder, script);
    expect(printed.toSorted(), complaints).toEqual(checks.map((check) => `ok ${check}`).toSorted());
    expect(signedChecks()).toEqual(signed.toSorted());
  }, TIMEOUT_MS);
});
