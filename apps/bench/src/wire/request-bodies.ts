/** The request bodies of the workloads, by name. */
export const BODY_NAMES = ['1 KB', '64 KB', '200 KB', '2 MB', 'chat', 'chat stream', 'response stream', '1 KB stream'] as const;

/** One of `BODY_NAMES`. */
export type BodyName = (typeof BODY_NAMES)[number];

/** The model that every bench request names; peers are configured with it. */
export const BENCH_MODEL = 'claude-sonnet-4-5';

const SOURCE_FILE = Array.from({ length: 120 }, (_, line) => `${line + 1}\u2192  if (request.headers["content-type"] !== 'application/json') { throw new TypeError("expected\\n"); }`).join('\n');

const TOOL = {
  name: 'Read',
  description: 'Reads a file from the local filesystem.\n\nUsage:\n- The file_path parameter must be an absolute path\n- "offset" and "limit" are optional',
  input_schema: {
    type: 'object',
    properties: { file_path: { type: 'string', description: 'The absolute path' }, offset: { type: 'number' }, limit: { type: 'number' } },
    required: ['file_path'],
    additionalProperties: false,
  },
};

/** A conversation of a coding agent: tools, then file contents full of line ends, quotes and arrows. */
function codingConversation(bytes: number): Readonly<Record<string, unknown>> {
  const turn = [
    { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_01A09q90qw90lq917835lq9', name: 'Read', input: { file_path: '/src/index.ts' } }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_01A09q90qw90lq917835lq9', content: [{ type: 'text', text: SOURCE_FILE }] }] },
  ];
  const tools = Array.from({ length: 20 }, () => TOOL);
  const turns = Math.max(1, Math.round((bytes - JSON.stringify(tools).length) / Buffer.byteLength(JSON.stringify(turn))));
  return { system: 'You are a coding agent.', tools, messages: [{ role: 'user', content: 'Fix the bug.' }, ...Array.from({ length: turns }, () => turn).flat()] };
}

const HELLO = 'Hello, how are you today? '.repeat(35);
const QUESTION = { messages: [{ role: 'user', content: HELLO }] };

/** The bytes of a request body; nothing in it is random. */
export function requestBody(name: BodyName): Buffer {
  if (name === 'response stream') return Buffer.from(JSON.stringify({ model: BENCH_MODEL, stream: true, store: false, input: HELLO }));
  const isStream = name.endsWith('stream');
  const content = name === '200 KB' ? codingConversation(200_000) : name === '2 MB' ? codingConversation(2_000_000) : name === '64 KB' ? codingConversation(64_000) : QUESTION;
  return Buffer.from(JSON.stringify({ model: BENCH_MODEL, max_tokens: 1_024, ...(isStream || name === '64 KB' ? { stream: true } : {}), ...content }));
}

/** The fields of a request as an Anthropic SDK sends them, without `host` and `content-length`. */
export const REQUEST_FIELDS: readonly string[] = [
  'accept', 'application/json', 'accept-encoding', 'identity', 'content-type', 'application/json', 'user-agent', 'claude-cli/2.1.0 (external, cli)',
  'anthropic-version', '2023-06-01', 'anthropic-beta', 'claude-code-20250219,interleaved-thinking-2025-05-14', 'x-api-key', 'sk-ant-api03-bench',
  'x-app', 'cli', 'x-stainless-lang', 'js', 'x-stainless-package-version', '1.12.0', 'x-stainless-os', 'Linux', 'x-stainless-arch', 'x64',
  'x-stainless-runtime', 'node', 'x-stainless-runtime-version', 'v26.10.0', 'x-stainless-retry-count', '0', 'x-stainless-timeout', '600',
];
