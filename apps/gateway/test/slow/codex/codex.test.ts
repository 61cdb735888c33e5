import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { answerJson, text, thinking, toolUse } from '../../../../../packages/openai-front-door/test/support/messages-upstream.ts';
import { startTestGateway } from '../../start-test-gateway.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { CODEX_VERSION, findCodex } from './codex-binary.ts';
import { runCodex, type CodexEnd, type CodexRun } from './run-codex.ts';
import { startScriptedClaude, type ScriptedClaude, type ScriptStep } from './scripted-claude.ts';

const { program, client } = findCodex();
printSkipped('Codex over the Responses API', client);

const MODEL = 'claude-sonnet-5-5';
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
/** How often the program would ask again after a failure. */
const PATIENCE = 5;

interface Session {
  readonly upstream: ScriptedClaude;
  /** Runs the program in the session's folder. */
  readonly codex: (prompt: string, more?: Partial<CodexRun>) => Promise<CodexEnd>;
  readonly folder: string;
}

async function withCodex(steps: readonly ScriptStep[], use: (session: Session) => Promise<void>, frontDoor: Readonly<Record<string, unknown>> = {}): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'penstock-codex-'));
  stack.defer(() => { rmSync(folder, { recursive: true, force: true }); });
  const upstream = stack.use(await startScriptedClaude(steps));
  const gateway = stack.use(await startTestGateway(upstream.origin, { openai_front_door: frontDoor }));
  await use({ upstream, folder, codex: (prompt, more) => runCodex({ program, folder, baseUrl: `${gateway.origin}/v1`, model: MODEL, prompt, ...more }) });
}

/** A shell command as the model calls it, thought about before. */
function command(index: number, shell: string): ScriptStep {
  return [[thinking(`Step ${index}.`, 'c2ln'), toolUse(`toolu_${index}`, 'exec_command', '{"cmd":', `${JSON.stringify(shell)}}`)], { stopReason: 'tool_use' }];
}

const answered = (words: string): ScriptStep => [[text(...words.split(/(?<= )/))]];

describe.skipIf('missing' in client)(`Codex ${CODEX_VERSION} through the front door`, () => {
  test('shows a text, and asks once', async () => {
    await withCodex([answered('It is a gateway.')], async ({ upstream, codex }) => {
      expect(await codex('What is it?')).toMatchObject({ exit: 0, messages: ['It is a gateway.'] });
      expect(upstream.requests).toHaveLength(1);
    });
  });

  test('runs a tool, and gives its result and the signed thinking back', async () => {
    await withCodex([command(1, 'echo sum-$((40+2))'), answered('It is 42.')], async ({ upstream, codex }) => {
      const end = await codex('Add 40 and 2.');
      expect(end).toMatchObject({ exit: 0, messages: ['It is 42.'] });
      const [, second] = upstream.bodies();
      expect(second?.messages.slice(-2)).toMatchObject([
        { role: 'assistant', content: [{ type: 'thinking', thinking: 'Step 1.', signature: 'c2ln' }, { type: 'tool_use', id: 'toolu_1', name: 'exec_command' }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: expect.stringContaining('sum-42') as string }] },
      ]);
    });
  });

  test('sends the same prefix on each of 20 turns (prompt caches hit, thinking stays bound to what it followed)', async () => {
    const steps = [...Array.from({ length: 19 }, (_, index) => command(index + 1, `echo turn-${index + 1}`)), answered('Done.')];
    await withCodex(steps, async ({ upstream, codex }) => {
      expect(await codex('Take 19 steps.')).toMatchObject({ exit: 0, messages: ['Done.'] });
      const bodies = upstream.bodies();
      expect(bodies).toHaveLength(20);
      for (const [turn, { messages, ...rest }] of bodies.entries()) {
        const previous = bodies[turn - 1];
        expect(messages.filter(({ role }) => role === 'assistant')).toHaveLength(turn);
        if (previous === undefined) continue;
        const { messages: before, ...restBefore } = previous;
        expect(JSON.stringify(rest) === JSON.stringify(restBefore), `turn ${turn}`).toBe(true);
        expect(JSON.stringify(messages.slice(0, before.length)) === JSON.stringify(before), `turn ${turn}`).toBe(true);
      }
      expect(upstream.requests.every(({ bytes }) => bytes.includes('"cache_control":{"type":"ephemeral"}'))).toBe(true);
    });
  });

  test('resumes a session with all that was said and thought', async () => {
    await withCodex([[[thinking('A name.', 'c2ln'), text('Hello Alice.')]], answered('Alice.')], async ({ upstream, codex }) => {
      expect(await codex('I am Alice.')).toMatchObject({ exit: 0, messages: ['Hello Alice.'] });
      expect(await codex('Who am I?', { flags: ['resume', '--last'] })).toMatchObject({ exit: 0, messages: ['Alice.'] });
      const said = JSON.stringify(upstream.bodies()[1]?.messages);
      for (const part of ['I am Alice.', '"signature":"c2ln"', 'Hello Alice.', 'Who am I?']) expect(said).toContain(part);
    });
  });

  test('sends an image', async () => {
    await withCodex([answered('One pixel.')], async ({ upstream, folder, codex }) => {
      writeFileSync(join(folder, 'pixel.png'), Buffer.from(PNG, 'base64'));
      expect(await codex('What is this?', { flags: ['--image', 'pixel.png'] })).toMatchObject({ exit: 0, messages: ['One pixel.'] });
      expect(upstream.bodies()[0]?.messages.flatMap(({ content }) => content)).toContainEqual(expect.objectContaining({ type: 'image', source: expect.objectContaining({ media_type: 'image/png' }) as unknown }));
    });
  });

  test('asks for its output schema', async () => {
    await withCodex([answered('{"city":"Rome"}')], async ({ upstream, folder, codex }) => {
      writeFileSync(join(folder, 'schema.json'), JSON.stringify({ type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false }));
      expect(await codex('Where?', { flags: ['--output-schema', 'schema.json'] })).toMatchObject({ exit: 0, messages: ['{"city":"Rome"}'] });
      expect(upstream.bodies()[0]?.output_config?.format?.schema).toMatchObject({ required: ['city'] });
    });
  });

  test('learns the context window and the instructions from the catalogue, and offers its patch tool', async () => {
    const patch = '*** Begin Patch\n*** Add File: a.txt\n+written by a patch\n*** End Patch\n';
    await withCodex([[[toolUse('toolu_1', 'apply_patch', `{"input":${JSON.stringify(patch)}}`)], { stopReason: 'tool_use' }], answered('Patched.')], async ({ upstream, folder, codex }) => {
      const end = await codex('Add a file.', { asksForModels: true });
      expect(end).toMatchObject({ exit: 0, messages: ['Patched.'] });
      expect(JSON.stringify(end.events)).not.toContain('Model metadata');
      const [first, second] = upstream.bodies();
      expect(JSON.stringify(first)).toContain('You are the operator\'s assistant.');
      expect(first?.tools?.find(({ name }) => name === 'apply_patch')?.description).toContain('grammar');
      expect(JSON.stringify(second?.messages.at(-1))).toContain('toolu_1');
      expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('written by a patch\n');
    }, { codex_instructions: 'You are the operator\'s assistant.' });
  });

  test.each([['gpt-5.5', 'apply_patch'], ['gpt-5.6-sol', 'exec']])('sends what it sends to %s, under an alias for Claude: its custom tool %s is a function upstream', async (alias, custom) => {
    await withCodex([answered('Hello.')], async ({ upstream, codex }) => {
      expect(await codex('Say hello.', { model: alias })).toMatchObject({ exit: 0, messages: ['Hello.'] });
      const [{ model, tools = [] } = { model: '' }] = upstream.bodies();
      expect(model).toBe(MODEL);
      expect(tools.find(({ name }) => name.endsWith(custom))?.description).toContain('grammar');
    }, { models: [{ model: 'gpt-*', upstream_model: MODEL }] });
  });

  test('takes a refusal for an end, and does not ask again (each request is billed)', async () => {
    await withCodex([[[], { stopReason: 'refusal', stopDetails: { type: 'refusal', explanation: 'I cannot help with that.' } }]], async ({ upstream, codex }) => {
      expect(await codex('Do what is refused.')).toMatchObject({ exit: 0 });
      expect(upstream.requests).toHaveLength(1);
    });
  });

  test('explains that the context is full', async () => {
    const full = answerJson({ type: 'error', error: { type: 'invalid_request_error', message: 'prompt is too long: 210000 tokens > 200000 maximum' } }, 400);
    await withCodex([full], async ({ upstream, codex }) => {
      const end = await codex('Read everything.');
      expect(end.complaints).toContain('context window');
      expect([end.exit, upstream.requests.length]).toEqual([1, 1]);
    });
  });

  test('repeats an answer that broke, and shows the whole one alone', async () => {
    const broken: ScriptStep = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end('event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"m","usage":{}}}\n\n');
    };
    await withCodex([broken, answered('Whole.')], async ({ upstream, codex }) => {
      expect(await codex('Say it.')).toMatchObject({ exit: 0, messages: ['Whole.'] });
      expect(upstream.requests).toHaveLength(2);
    });
  });

  test('gives up on a request that is refused for good', async () => {
    await withCodex([answerJson({ type: 'error', error: { type: 'invalid_request_error', message: 'No.' } }, 400)], async ({ upstream, codex }) => {
      const end = await codex('Say it.');
      expect([end.exit, upstream.requests.length < PATIENCE]).toEqual([1, true]);
      expect(end.complaints).toContain('No.');
    });
  });
});
