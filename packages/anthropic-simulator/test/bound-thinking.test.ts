import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSimulator, type Simulator } from '../src/index.ts';

type Json = Readonly<Record<string, unknown>>;

let simulator: Simulator;
beforeAll(async () => { simulator = await startSimulator(); });
afterAll(() => simulator.close());

const TOOLS = [{ name: 'get_weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }];
const question = { role: 'user', content: '[call get_weather] please' };

const BETA = { 'anthropic-beta': 'thinking-binding-controls-2026-08-01' };

async function ask(body: Json, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly status: number; readonly content: readonly Json[]; readonly message: string | undefined }> {
  const response = await fetch(`${simulator.origin}/v1/messages`, { method: 'POST', headers: { 'anthropic-version': '2023-06-01', 'content-type': 'application/json', ...headers }, body: JSON.stringify({ model: 'claude-opus-5-5', max_tokens: 1000, tools: TOOLS, system: 'Be brief.', ...body }) });
  const answer = await response.json() as { content?: readonly Json[]; error?: { message: string } };
  return { status: response.status, content: answer.content ?? [], message: answer.error?.message };
}

/** A conversation whose second turn gives the thought and the call of the first back. */
async function continued(): Promise<readonly Json[]> {
  const { content } = await ask({ messages: [question] });
  return [question, { role: 'assistant', content }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: content.at(-1)?.['id'], content: 'fine' }] }];
}

describe('thinking of Claude 5.5', () => {
  it('comes without a field that asks for it, its text left out, and is shown where it is asked for', async () => {
    expect((await ask({ messages: [question] })).content).toMatchObject([{ type: 'thinking', thinking: '' }, { type: 'tool_use', name: 'get_weather' }]);
    expect((await ask({ messages: [question], thinking: { type: 'adaptive', display: 'summarized' } })).content[0]).toMatchObject({ type: 'thinking', thinking: expect.stringMatching(/./) as string });
    expect((await ask({ model: 'claude-opus-5', messages: [question], thinking: { type: 'disabled' } })).content).toMatchObject([{ type: 'tool_use' }]);
    expect((await ask({ model: 'claude-opus-4-8', messages: [question] })).content).toMatchObject([{ type: 'tool_use' }]);
  });

  it('may come back behind what it followed, with breakpoints moved and texts written as blocks', async () => {
    const messages = await continued();
    expect((await ask({ messages })).status).toBe(200);
    const marked = [{ role: 'user', content: [{ type: 'text', text: question.content, cache_control: { type: 'ephemeral' } }] }, ...messages.slice(1)];
    expect((await ask({ messages: marked, system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }] })).status).toBe(200);
  });

  it.each<[string, (messages: readonly Json[]) => Json]>([
    ['the system prompt', (messages) => ({ messages, system: 'Be long.' })],
    ['the tools', (messages) => ({ messages, tools: [...TOOLS, { name: 'b', input_schema: { type: 'object' } }] })],
    ['an earlier message', ([, ...rest]) => ({ messages: [{ role: 'user', content: 'Another question' }, ...rest] })],
  ])('is refused where %s differs, on models that bind it', async (_what, change) => {
    const changed = change(await continued());
    expect(await ask(changed)).toMatchObject({ status: 400, message: 'messages.1.content.0: The block is bound to a different conversation' });
    expect((await ask({ ...changed, model: 'claude-opus-5' })).status).toBe(200);
    const dropping = { ...changed, thinking: { type: 'adaptive', block_binding: { prefix_mismatch_behavior: 'drop_block' } } };
    expect((await ask(dropping, BETA)).status).toBe(200);
    expect(await ask(dropping)).toMatchObject({ status: 400, message: 'thinking.adaptive.block_binding: Extra inputs are not permitted' });
  });

  it('may be left out, and a signature of other origin is not checked', async () => {
    const [first, assistant, result] = await continued();
    const content = assistant?.['content'] as readonly Json[];
    expect((await ask({ messages: [first, { role: 'assistant', content: content.slice(1) }, result] })).status).toBe(200);
    expect((await ask({ messages: [first, { role: 'assistant', content: [{ type: 'thinking', thinking: '', signature: 'c2lnbmVk' }, ...content.slice(1)] }, result] })).status).toBe(200);
  });
});
