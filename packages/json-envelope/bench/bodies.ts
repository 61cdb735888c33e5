/** A body like those that pass a gateway; nothing in it is random. */
export interface BenchBody {
  readonly name: string;
  readonly bytes: Buffer;
}

const CODE = [
  'export async function forwardRequest(inbound: IncomingMessage, options: ForwardOptions): Promise<void> {',
  '  const outbound = http.request({ host: "127.0.0.1", port: options.port, method: inbound.method });',
  '  if (inbound.headers["content-type"] !== "application/json") {',
  "    throw new TypeError('expected a JSON body');",
  '  }',
  '',
  '  // The body is forwarded as it came; nothing is parsed and written again.',
  '  await pipeline(inbound, outbound);',
  '}',
];

const TOOL = {
  name: 'Read',
  description: 'Reads a file from the local filesystem.\n\nUsage:\n- The file_path parameter must be an absolute path\n- "offset" and "limit" are optional',
  input_schema: {
    type: 'object',
    properties: {
      file_path: { type: 'string', description: 'The absolute path to the file to read' },
      offset: { type: 'number', description: 'The line number to start reading from' },
      limit: { type: 'number', description: 'The number of lines to read' },
    },
    required: ['file_path'],
    additionalProperties: false,
  },
};

const CHINESE = '\u5929\u5730\u7384\u9ec4\uff0c\u5b87\u5b99\u6d2a\u8352\u3002\u65e5\u6708\u76c8\u6603\uff0c\u8fb0\u5bbf\u5217\u5f20\u3002';

/** A body of 1 MB of long plain strings. */
export function plainBody(size = 1_000_000): BenchBody {
  const text = 'The quick brown fox jumps over the lazy dog, and nothing in this sentence needs an escape. '.repeat(500);
  const count = Math.max(1, Math.round(size / text.length));
  return body('plain strings', { messages: Array.from({ length: count }, () => ({ role: 'user', content: text })) });
}

/** A body as Claude Code sends it: tools, then a conversation of file contents full of line ends and quotes. */
export function codingBody(size = 1_000_000, name = 'coding agent'): BenchBody {
  const file = Array.from({ length: 200 }, (_, line) => `${line + 1}\u2192${CODE[line % CODE.length] ?? ''}`).join('\n');
  const turn = [
    { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_01', name: 'Read', input: { file_path: '/src/index.ts' } }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_01', content: [{ type: 'text', text: file }] }] },
  ];
  const tools = Array.from({ length: 20 }, () => TOOL);
  const count = Math.max(1, Math.round(size / JSON.stringify(turn).length));
  return body(name, { tools, messages: Array.from({ length: count }, () => turn).flat() });
}

/** A body of 1 KB: creating a scanner and ending it weigh most. */
export function smallBody(): BenchBody {
  return body('1 KB', { messages: [{ role: 'user', content: 'Hello, how are you today? '.repeat(35) }] });
}

/** The bodies of the table. */
export function benchBodies(): readonly BenchBody[] {
  const chinese = CHINESE.repeat(1000);
  const tools = Array.from({ length: 1500 }, () => TOOL);
  const escaped = JSON.stringify(chinese).replaceAll(/[^\0-\x7f]/gu, (c) => `\\u${c.charCodeAt(0).toString(16)}`);
  return [
    plainBody(),
    codingBody(),
    codingBody(2_000_000, 'coding agent, 2 MB'),
    body('Chinese text', { messages: Array.from({ length: 15 }, () => ({ role: 'user', content: chinese })) }),
    { name: 'Chinese text, escaped', bytes: Buffer.from(`{"texts":[${Array.from({ length: 8 }, () => escaped).join()}]}`) },
    body('tool schemas', { tools }),
    { name: 'tool schemas, indented', bytes: Buffer.from(JSON.stringify({ tools: tools.slice(0, 700) }, null, 2)) },
    body('numbers', { numbers: Array.from({ length: 60_000 }, (_, i) => ((i * 7919) % 100_003) / 97) }),
    smallBody(),
  ];
}

function body(name: string, content: Readonly<Record<string, unknown>>): BenchBody {
  return { name, bytes: Buffer.from(JSON.stringify({ model: 'claude-opus-4-5', max_tokens: 32_000, stream: true, ...content })) };
}
