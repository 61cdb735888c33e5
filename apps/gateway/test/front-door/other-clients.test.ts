import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { AIMessage, HumanMessage, ToolMessage, type BaseMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { generateText, isStepCount, Output, streamText, tool } from 'ai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const WEATHER = z.object({ city: z.string(), celsius: z.number() });

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

interface SentBlock {
  readonly type: string;
  readonly id?: string;
  readonly tool_use_id?: string;
}

interface SentTurn {
  readonly role: string;
  readonly content: readonly SentBlock[];
}

/** The conversation that the last request carried upstream. */
const lastTurns = (): readonly SentTurn[] => (JSON.parse(simulator.requests.at(-1)?.body.toString() ?? '{}') as { messages: SentTurn[] }).messages;

/** The results of one turn answer its calls, all of them, in one user message (MoonshotAI/kosong#45). */
function expectPairedTools(): void {
  const [asked, called, answered] = lastTurns().slice(-3);
  const calls = called?.content.filter(({ type }) => type === 'tool_use').map(({ id }) => id) ?? [];
  expect([asked?.role, called?.role, answered?.role]).toEqual(['user', 'assistant', 'user']);
  expect(calls.length).toBeGreaterThan(1);
  expect(answered?.content.map(({ tool_use_id: id }) => id)).toEqual(calls);
}

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}

beforeEach(() => { simulator.clearRequests(); });

describe('@ai-sdk/openai-compatible', () => {
  const model = (name: string) => createOpenAICompatible({ name: 'penstock', baseURL: `${gateway.origin}/v1`, supportsStructuredOutputs: true })(name);
  const called: string[] = [];
  const inputSchema = z.object({ city: z.string() });
  const tools = {
    get_weather: tool({ inputSchema, execute: ({ city }) => { called.push('get_weather'); return `fine in ${city}`; } }),
    get_time: tool({ inputSchema, execute: ({ city }) => { called.push('get_time'); return `noon in ${city}`; } }),
  };

  test('calls parallel tools and goes on with their results, whole and streamed', async () => {
    const whole = await generateText({ model: model('sim-parallel-tools'), prompt: 'Weather and time?', tools, stopWhen: isStepCount(3) });
    expect([whole.steps.map(({ finishReason }) => finishReason), whole.text.length > 0]).toEqual([['tool-calls', 'stop'], true]);
    expectPairedTools();
    const streamed = streamText({ model: model('sim-parallel-tools'), prompt: 'Weather and time?', tools, stopWhen: isStepCount(3) });
    expect((await streamed.text).length).toBeGreaterThan(0);
    expectPairedTools();
    expect(called.toSorted()).toEqual(['get_time', 'get_time', 'get_weather', 'get_weather']);
  });

  test('sends an image', async () => {
    const { finishReason } = await generateText({ model: model('sim-text'), messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'file', mediaType: 'image/png', data: Buffer.from(PNG, 'base64') }] }] });
    expect([finishReason, lastTurns()[0]?.content.map(({ type }) => type)]).toEqual(['stop', ['text', 'image']]);
  });

  test('parses structured output', async () => {
    const { output } = await generateText({ model: model('sim-structured'), prompt: 'Weather?', output: Output.object({ schema: WEATHER }) });
    expect(WEATHER.safeParse(output).success).toBe(true);
  });

  test('cancels the upstream when it aborts', async () => {
    const controller = new AbortController();
    const { textStream } = streamText({ model: model('sim-slow'), prompt: 'Hi', abortSignal: controller.signal, onError: () => undefined });
    for await (const _part of textStream) {
      controller.abort();
      break;
    }
    await expect.poll(() => simulator.openStreams).toBe(0);
  });
});

describe.each([['Chat Completions', false], ['the Responses API', true]])('@langchain/openai over %s', (_protocol, useResponsesApi) => {
  // With `zdrEnabled` the client asks for sealed reasoning and gives it back, as nothing is stored.
  const model = (name: string): ChatOpenAI => new ChatOpenAI({ apiKey: 'x', configuration: { baseURL: `${gateway.origin}/v1` }, model: name, maxRetries: 0, useResponsesApi, ...(useResponsesApi ? { zdrEnabled: true } : {}) });
  const tools = ['get_weather', 'get_time'].map((name) => langchainTool(({ city }: { city: string }) => `fine in ${city}`, { name, description: name, schema: z.object({ city: z.string() }) }));

  test.each([['whole', false], ['streamed', true]])('calls parallel tools and goes on with their results, %s', async (_how, isStreamed) => {
    const bound = model('sim-parallel-tools').bindTools(tools);
    const ask = async (messages: BaseMessage[]): Promise<AIMessage> => {
      if (!isStreamed) return await bound.invoke(messages);
      return (await gather(await bound.stream(messages))).reduce((sum, chunk) => sum.concat(chunk));
    };
    const question = new HumanMessage('Weather and time?');
    const first = await ask([question]);
    const results = await Promise.all((first.tool_calls ?? []).map(async (call) => new ToolMessage({ tool_call_id: call.id ?? '', content: String(await tools.find(({ name }) => name === call.name)?.invoke(call.args as { city: string })) })));
    expect(results.map(({ content }) => content)).toEqual([expect.stringMatching(/^fine in ./), expect.stringMatching(/^fine in ./)]);
    const second = await ask([question, first, ...results]);
    expect(second.text.length).toBeGreaterThan(0);
    expectPairedTools();
  });

  test.runIf(useResponsesApi).each([['whole', false], ['streamed', true]])('gives signed thinking back with the result of a tool, %s', async (_how, isStreamed) => {
    const bound = model('claude-opus-5-5').bindTools(tools);
    const question = new HumanMessage('[call get_weather] please');
    const first = isStreamed ? (await gather(await bound.stream([question]))).reduce((sum, chunk) => sum.concat(chunk)) : await bound.invoke([question]);
    const results = (first.tool_calls ?? []).map(({ id }) => new ToolMessage({ tool_call_id: id ?? '', content: 'fine' }));
    expect((await bound.invoke([question, first, ...results])).text.length).toBeGreaterThan(0);
    expect(lastTurns()[1]?.content).toEqual([expect.objectContaining({ type: 'thinking', signature: expect.stringMatching(/./) as string }), expect.objectContaining({ type: 'tool_use', name: 'get_weather' })]);
  });

  test('sends an image', async () => {
    await model('sim-text').invoke([new HumanMessage({ content: [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }] })]);
    expect(lastTurns()[0]?.content.map(({ type }) => type)).toEqual(['text', 'image']);
  });

  test('parses structured output', async () => {
    const output = await model('sim-structured').withStructuredOutput(WEATHER, { method: 'jsonSchema', name: 'weather' }).invoke('Weather?');
    expect(WEATHER.safeParse(output).success).toBe(true);
  });

  test('raises an error with the upstream\'s status', async () => {
    await expect(model('sim-rate-limited').invoke('Hi')).rejects.toMatchObject({ status: 429 });
    await expect(model('sim-stream-error').stream('Hi').then(gather)).rejects.toThrow();
  });
});
