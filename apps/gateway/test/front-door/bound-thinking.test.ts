import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { fieldValues } from '@penstock/test-support';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway } from '../start-test-gateway.ts';

type Message = OpenAI.Chat.Completions.ChatCompletionMessageParam;

const TURNS = 20;
const TOOLS = ['get_weather', 'get_time'].map((name) => ({ type: 'function' as const, function: { name, parameters: { type: 'object', properties: { city: { type: 'string' } } } } }));

let simulator: Simulator;
beforeAll(async () => { simulator = await startSimulator(); });
afterAll(() => simulator.close());

/** A session in which each answer calls a tool, gives its thinking out and gets it back; instructions come in between, as agents send them. */
async function converse(client: OpenAI, model: string, isStreamed: boolean): Promise<readonly Message[]> {
  const messages: Message[] = [{ role: 'system', content: 'Be brief.' }];
  for (let turn = 0; turn < TURNS; turn += 1) {
    if (turn % 5 === 4) messages.push({ role: 'developer', content: `Instruction ${turn}` });
    messages.push({ role: 'user', content: `[call get_weather] for city ${turn}` });
    for (const step of ['call', 'answer']) {
      const request = { model, messages, tools: TOOLS, reasoning_content: true } as OpenAI.Chat.Completions.ChatCompletionCreateParamsNonStreaming;
      const completion = isStreamed ? await client.chat.completions.stream({ ...request, stream: true }).finalChatCompletion() : await client.chat.completions.create(request);
      const message = completion.choices[0]?.message;
      expect([step, completion.choices[0]?.finish_reason]).toEqual([step, step === 'call' ? 'tool_calls' : 'stop']);
      messages.push(message as Message);
      for (const call of message?.tool_calls ?? []) messages.push({ role: 'tool', tool_call_id: call.id, content: 'fine' });
    }
  }
  return messages;
}

interface Sent {
  readonly system: unknown;
  readonly tools: unknown;
  readonly messages: readonly { readonly role: string; readonly content: readonly { readonly type: string }[] }[];
}

describe.each([['whole', false], ['streamed', true]])(`a session of ${TURNS} turns through the openai package, %s`, (_how, isStreamed) => {
  test.each(['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-fable-5-2'])('gives %s its signed thinking back behind what it followed, and the same prefix on every turn', async (model) => {
    simulator.clearRequests();
    // Without the beta by which the upstream would drop a thought that no longer fits.
    await using gateway = await startTestGateway(simulator.origin, { openai_front_door: { models: [{ model: 'claude-*' }], model_capabilities: { 'claude-*': { binds_thinking: false } } } });
    const client = new OpenAI({ apiKey: 'x', baseURL: `${gateway.origin}/v1`, maxRetries: 0 });
    await converse(client, model, isStreamed);
    const sent = simulator.requests.map(({ body }) => JSON.parse(body.toString()) as Sent);
    expect(sent).toHaveLength(2 * TURNS);
    const last = sent.at(-1);
    expect(last?.messages.flatMap(({ content }) => content).filter(({ type }) => type === 'thinking')).toHaveLength(2 * TURNS - 1);
    expect(last?.messages.filter(({ role }) => role === 'system')).toHaveLength(TURNS / 5);
    for (const { system, tools, messages } of sent) {
      expect([system, tools]).toEqual([last?.system, last?.tools]);
      // An instruction stands behind the user turn it came with.
      expect(messages).toEqual(last?.messages.slice(0, messages.length));
    }
  });
});

/** A session as Codex keeps one: all items of each answer go back, and a key asks for the prompt cache. */
async function respond(client: OpenAI, model: string): Promise<void> {
  const input: OpenAI.Responses.ResponseInputItem[] = [{ role: 'developer', content: 'Be brief.' }, { role: 'user', content: '[call get_weather] please' }];
  const tools = TOOLS.map(({ type, function: declared }) => ({ type, ...declared, strict: false }));
  for (let turn = 0; turn < TURNS; turn += 1) {
    const { output } = await client.responses.create({ model, input, tools, store: false, reasoning: { summary: 'auto' }, prompt_cache_key: 'thread-1' });
    input.push(...output as OpenAI.Responses.ResponseInputItem[]);
    for (const item of output) if (item.type === 'function_call') input.push({ type: 'function_call_output', call_id: item.call_id, output: 'fine' });
    if (output.every(({ type }) => type !== 'function_call')) input.push({ role: 'user', content: `[call get_weather] for city ${turn}` });
  }
}

test.each(['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-opus-5', 'claude-opus-4-6'])(`a Responses session of ${TURNS} turns gives %s the same bytes turn after turn, from the first on (prompt caches hit)`, async (model) => {
  simulator.clearRequests();
  await using gateway = await startTestGateway(simulator.origin, { openai_front_door: { models: [{ model: 'claude-*' }] } });
  await respond(new OpenAI({ apiKey: 'x', baseURL: `${gateway.origin}/v1`, maxRetries: 0 }), model);
  const sent = simulator.requests.map(({ body, rawHeaders }) => ({ betas: fieldValues(rawHeaders, 'anthropic-beta'), text: body.toString() }));
  expect(sent).toHaveLength(TURNS);
  const [first] = sent;
  const parts = ({ text }: { readonly text: string }): readonly [before: string, messages: string, after: string] => {
    const at = text.indexOf('"messages":') + '"messages":'.length;
    const messages = JSON.stringify((JSON.parse(text) as Sent).messages);
    expect(text.slice(at, at + messages.length)).toBe(messages);
    return [text.slice(0, at), messages, text.slice(at + messages.length)];
  };
  for (const [turn, one] of sent.entries()) {
    const [before, messages, after] = parts(one);
    expect([one.betas, before, after], `turn ${turn}`).toEqual([first?.betas, ...parts(first ?? one).filter((_part, index) => index !== 1)]);
    // All of the request before but the bracket that ends its messages.
    const previous = parts(sent[Math.max(turn - 1, 0)] ?? one)[1].slice(0, -1);
    expect(messages.startsWith(previous), `turn ${turn}`).toBe(true);
  }
});

/** Sessions that break the prefix of their thoughts on purpose. */
const BREAKING = { later_system_messages: 'hoist' } as const;

test('a session whose instructions move to the top goes on without the thoughts that no longer fit (the API would answer 400)', async () => {
  simulator.clearRequests();
  await using gateway = await startTestGateway(simulator.origin, { openai_front_door: { models: [{ model: 'claude-*' }], ...BREAKING } });
  await converse(new OpenAI({ apiKey: 'x', baseURL: `${gateway.origin}/v1`, maxRetries: 0 }), 'claude-opus-5-5', false);
  const last = simulator.requests.at(-1);
  expect(fieldValues(last?.rawHeaders ?? [], 'anthropic-beta')).toEqual(['thinking-binding-controls-2026-08-01']);
  expect(JSON.parse(last?.body.toString() ?? '{}')).toMatchObject({ thinking: { type: 'adaptive', display: 'summarized', block_binding: { prefix_mismatch_behavior: 'drop_block' } } });
});

test('such a session is refused where the registry does not know that the model binds its thinking (what the sessions above would notice)', async () => {
  await using gateway = await startTestGateway(simulator.origin, { openai_front_door: { models: [{ model: 'claude-*' }], ...BREAKING, model_capabilities: { 'claude-opus-5-5': { binds_thinking: false } } } });
  const client = new OpenAI({ apiKey: 'x', baseURL: `${gateway.origin}/v1`, maxRetries: 0 });
  await expect(converse(client, 'claude-opus-5-5', false)).rejects.toMatchObject({ status: 400, message: expect.stringContaining('bound to a different conversation') as string });
});

test('a request whose client takes no thoughts, or that goes to a model that binds none, asks for no beta', async () => {
  simulator.clearRequests();
  await using gateway = await startTestGateway(simulator.origin, { openai_front_door: { models: [{ model: 'claude-*' }] } });
  const client = new OpenAI({ apiKey: 'x', baseURL: `${gateway.origin}/v1`, maxRetries: 0 });
  await client.chat.completions.create({ model: 'claude-opus-5-5', messages: [{ role: 'user', content: 'x' }] });
  await converse(client, 'claude-opus-5', false);
  for (const { rawHeaders } of simulator.requests) expect(fieldValues(rawHeaders, 'anthropic-beta')).toEqual([]);
});
