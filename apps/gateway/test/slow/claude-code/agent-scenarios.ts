import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { json, message, messageEvents, streamOf, text, toolUse } from '../clients/api-answers.ts';
import type { ClaudeCodeScenario } from './claude-code-scenario.ts';

const HELLO = message([text('Hello from upstream.')]);
const SAYS_HELLO = { requests: 1, exit: 0, result: 'Hello from upstream.' } as const;
const THINKING = { type: 'thinking', thinking: 'The notes first.', signature: 'c2lnbmF0dXJl' } as const;
const NOTES = 'notes.txt';
/** One white pixel. */
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=', 'base64');
const SESSION = 'b7a1c9d2-3e4f-4a5b-8c6d-7e8f9a0b1c2d';
const TOOLS_ALLOWED = ['--allowedTools', 'Read', 'Bash'];

/** Conversations in which nothing fails. */
export const AGENT_SCENARIOS: readonly ClaudeCodeScenario[] = [
  { name: 'a text answer', script: () => ({ messages: [HELLO] }), straight: SAYS_HELLO },
  {
    name: 'an agent loop: thinking and a tool, two tools at once, then text',
    flags: TOOLS_ALLOWED,
    prepare: (folder) => { writeFileSync(join(folder, NOTES), 'buy milk\n'); },
    script: (_way, folder) => ({
      messages: [
        message([THINKING, toolUse('toolu_read', 'Read', { file_path: join(folder, NOTES) })], { stopReason: 'tool_use' }),
        message([toolUse('toolu_one', 'Bash', { command: 'echo one', description: 'Print one' }), toolUse('toolu_two', 'Bash', { command: 'echo two', description: 'Print two' })], { stopReason: 'tool_use' }),
        message([text('Milk is on the list.')]),
      ],
    }),
    straight: { requests: 3, exit: 0, result: 'Milk is on the list.' },
  },
  {
    name: 'an image that a tool reads',
    flags: TOOLS_ALLOWED,
    prepare: (folder) => { writeFileSync(join(folder, 'pixel.png'), PNG); },
    script: (_way, folder) => ({ messages: [message([toolUse('toolu_image', 'Read', { file_path: join(folder, 'pixel.png') })], { stopReason: 'tool_use' }), message([text('It is white.')])] }),
    straight: { requests: 2, exit: 0, result: 'It is white.' },
  },
  { name: 'partial messages', flags: ['--include-partial-messages'], script: () => ({ messages: [HELLO] }), straight: SAYS_HELLO },
  {
    name: 'a stream that the upstream compressed', script: () => ({ messages: [streamOf(messageEvents([text('Hello from upstream.')]), ['gzip', gzipSync])] }), straight: SAYS_HELLO,
  },
  { name: 'a large prompt on standard input', stdin: 'one more line of the log\n'.repeat(8_000), script: () => ({ messages: [HELLO] }), straight: SAYS_HELLO },
  {
    name: 'a session that is resumed',
    flags: ['--session-id', SESSION], thenRuns: [{ prompt: 'And again.', flags: ['--resume', SESSION] }],
    script: () => ({ messages: [HELLO] }), straight: { ...SAYS_HELLO, requests: 2 },
  },
  {
    name: 'tokens are counted', prompt: '/context',
    script: () => ({ messages: [HELLO], others: { 'messages/count_tokens': json(200, { input_tokens: 1_234 }) } }), straight: { requests: 25, exit: 0 },
  },
  { name: 'a base URL with a slash at its end', suffix: '/', script: () => ({ messages: [HELLO] }), straight: SAYS_HELLO },
  { name: 'a bearer instead of a key', environment: { ANTHROPIC_API_KEY: '', ANTHROPIC_AUTH_TOKEN: 'dummy-token-of-a-test' }, script: () => ({ messages: [HELLO] }), straight: SAYS_HELLO },
  { name: 'a key that a helper prints', environment: { ANTHROPIC_API_KEY: '' }, flags: ['--settings', '{"apiKeyHelper":"echo dummy-key-of-a-helper"}'], script: () => ({ messages: [HELLO] }), straight: SAYS_HELLO },
  {
    name: 'the client\'s own key crosses', gateway: { anthropic_native: { credentials: 'forward', api_key: undefined }, openai_front_door: { enabled: false } },
    script: () => ({ messages: [HELLO] }), straight: SAYS_HELLO,
  },
  { name: 'headers and betas of the user\'s own', environment: { ANTHROPIC_CUSTOM_HEADERS: 'X-Team: blue\nanthropic-something-new: yes', ANTHROPIC_BETAS: 'a-beta-of-tomorrow-2031-01-01' }, script: () => ({ messages: [HELLO] }), straight: SAYS_HELLO },
];
