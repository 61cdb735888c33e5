/** The request bodies of the workloads, by name. */
export const BODY_NAMES = ['1 KB', '30 KB', '200 KB', '2 MB', '1 KB stream', '30 KB stream', '64 KB stream', '200 KB stream', '2 MB stream', 'chat', 'chat stream', 'response stream'] as const;

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

/** How large the conversations of a coding agent are; every other body is a short question. */
const CONVERSATION_BYTES: Readonly<Record<string, number>> = { '30 KB': 30_000, '64 KB': 64_000, '200 KB': 200_000, '2 MB': 2_000_000 };

/** The bytes of a request body; nothing in it is random. */
export function requestBody(name: BodyName): Buffer {
  if (name === 'response stream') return Buffer.from(JSON.stringify({ model: BENCH_MODEL, stream: true, store: false, input: HELLO }));
  const bytes = CONVERSATION_BYTES[name.replace(' stream', '')];
  return Buffer.from(JSON.stringify({
    model: BENCH_MODEL, max_tokens: 1_024, ...(name.endsWith('stream') ? { stream: true } : {}), ...(bytes === undefined ? QUESTION : codingConversation(bytes)),
  }));
}

/**
 * The requests of a coding agent in the order in which a connection sends them: mostly a conversation that grew to 30 or 200 KB and is answered as a
 * stream, now and then a small one (a title, a count of tokens) or a very long one.
 */
export const CODING_AGENT_MIX: readonly BodyName[] = [
  '1 KB', '30 KB stream', '200 KB stream', '200 KB stream', '1 KB', '30 KB stream', '200 KB stream', '30 KB stream', '1 KB', '2 MB stream',
  '30 KB stream', '200 KB stream', '1 KB', '30 KB stream', '200 KB stream', '30 KB stream', '1 KB', '200 KB stream', '30 KB stream', '200 KB stream',
];

/** The fields of a request as an Anthropic SDK sends them, without `host` and `content-length`. */
export const REQUEST_FIELDS: readonly string[] = [
  'accept', 'application/json', 'accept-encoding', 'identity', 'content-type', 'application/json', 'user-agent', 'claude-cli/2.1.0 (external, cli)',
  'anthropic-version', '2023-06-01', 'anthropic-beta', 'claude-code-20250219,interleaved-thinking-2025-05-14', 'x-api-key', 'sk-ant-api03-bench',
  'x-app', 'cli', 'x-stainless-lang', 'js', 'x-stainless-package-version', '1.12.0', 'x-stainless-os', 'Linux', 'x-stainless-arch', 'x64',
  'x-stainless-runtime', 'node', 'x-stainless-runtime-version', 'v26.10.0', 'x-stainless-retry-count', '0', 'x-stainless-timeout', '600',
];
