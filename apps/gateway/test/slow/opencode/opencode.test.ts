import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { answerJson, text, thinking, toolUse } from '../../../../../packages/openai-front-door/test/support/messages-upstream.ts';
import { startTestGateway } from '../../start-test-gateway.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { startScriptedClaude, type ScriptedClaude, type ScriptStep } from '../codex/scripted-claude.ts';
import { findOpencode, OPENCODE_VERSION } from './find-opencode.ts';
import { OPENCODE_PROTOCOLS, projectOf, runOpencode, type OpencodeEnd } from './run-opencode.ts';

const { program, client } = findOpencode();
printSkipped('opencode over Chat Completions and the Responses API', client);

const MODEL = 'claude-sonnet-5-5';
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

interface Session {
  readonly upstream: ScriptedClaude;
  readonly opencode: (prompt: string, ...flags: readonly string[]) => Promise<OpencodeEnd>;
  /** The working directory of the client. */
  readonly project: string;
}

const command = (index: number, shell: string): ScriptStep => [
  [thinking(`Step ${index}.`, 'c2ln'), toolUse(`toolu_${index}`, 'bash', `{"command":${JSON.stringify(shell)},`, '"description":"Runs it"}')], { stopReason: 'tool_use' },
];
const answered = (words: string): ScriptStep => [[text(...words.split(/(?<= )/))]];

describe.skipIf('missing' in client).each(Object.keys(OPENCODE_PROTOCOLS) as (keyof typeof OPENCODE_PROTOCOLS)[])(`opencode ${OPENCODE_VERSION} through the front door, over %s`, (protocol) => {
  async function withOpencode(steps: readonly ScriptStep[], use: (session: Session) => Promise<void>): Promise<void> {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), 'penstock-opencode-'));
    stack.defer(() => { rmSync(folder, { recursive: true, force: true }); });
    const upstream = stack.use(await startScriptedClaude(steps));
    const gateway = stack.use(await startTestGateway(upstream.origin));
    const baseUrl = `${gateway.origin}/v1`;
    await use({ upstream, project: projectOf(folder), opencode: (prompt, ...flags) => runOpencode({ program, folder, baseUrl, protocol, model: MODEL, prompt, flags }) });
  }

  test('shows a streamed text, and asks once', async () => {
    await withOpencode([answered('It is a gateway.')], async ({ upstream, opencode }) => {
      expect(await opencode('What is it?')).toMatchObject({ exit: 0, texts: ['It is a gateway.'] });
      expect(upstream.bodies()).toHaveLength(1);
    });
  });

  test('runs tools over several turns, each turn with the same prefix', async () => {
    await withOpencode([command(1, 'echo sum-$((40+2))'), command(2, 'echo sum-$((50+2))'), answered('42 and 52.')], async ({ upstream, opencode }) => {
      expect(await opencode('Add them.')).toMatchObject({ exit: 0, texts: ['42 and 52.'], tools: [['bash', 'completed'], ['bash', 'completed']] });
      const bodies = upstream.bodies();
      expect(bodies).toHaveLength(3);
      // Over Chat Completions the client has breakpoints of its own, which move to the end; they are no part of what is cached.
      const said = bodies.map(({ messages }) => JSON.stringify(messages, (name, value: unknown) => (name === 'cache_control' ? undefined : value)).slice(0, -1));
      expect([said[1]?.startsWith(said[0] ?? ''), said[2]?.startsWith(said[1] ?? ''), said[2]?.includes('sum-42'), said[2]?.includes('sum-52')]).toEqual([true, true, true, true]);
      const { messages: _first, ...others } = bodies[0] ?? {};
      for (const { messages: _messages, ...rest } of bodies) expect(rest).toEqual(others);
    });
  });

  test.runIf(protocol === 'responses')('gives its signed thinking back', async () => {
    await withOpencode([command(1, 'echo 1'), answered('Done.')], async ({ upstream, opencode }) => {
      expect(await opencode('Do it.')).toMatchObject({ exit: 0, texts: ['Done.'] });
      expect(upstream.bodies()[1]?.messages.find(({ role }) => role === 'assistant')?.content[0]).toEqual({ type: 'thinking', thinking: 'Step 1.', signature: 'c2ln' });
    });
  });

  test('goes on with a session', async () => {
    await withOpencode([answered('Hello Alice.'), answered('Alice.')], async ({ upstream, opencode }) => {
      expect(await opencode('I am Alice.')).toMatchObject({ exit: 0, texts: ['Hello Alice.'] });
      expect(await opencode('Who am I?', '--continue')).toMatchObject({ exit: 0, texts: ['Alice.'] });
      const said = JSON.stringify(upstream.bodies()[1]?.messages);
      for (const part of ['I am Alice.', 'Hello Alice.', 'Who am I?']) expect(said).toContain(part);
    });
  });

  test('sends an image', async () => {
    await withOpencode([answered('One pixel.')], async ({ upstream, project, opencode }) => {
      writeFileSync(join(project, 'pixel.png'), Buffer.from(PNG, 'base64'));
      expect(await opencode('What is this?', '--file', 'pixel.png')).toMatchObject({ exit: 0, texts: ['One pixel.'] });
      expect(JSON.stringify(upstream.bodies()[0]?.messages)).toContain('"type":"image","source":{"type":"base64","media_type":"image/png"');
    });
  });

  test('shows why a request was refused, and does not repeat it', async () => {
    await withOpencode([answerJson({ type: 'error', error: { type: 'invalid_request_error', message: 'The request is refused.' } }, 400)], async ({ upstream, opencode }) => {
      expect((await opencode('Say it.')).complaints).toContain('The request is refused.');
      expect(upstream.bodies()).toHaveLength(1);
    });
  });
});
