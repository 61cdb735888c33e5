import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI } from '@langchain/openai';
import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { fieldValues } from '@penstock/test-support';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';
import OpenAI5 from 'openai-5';
import OpenAI6 from 'openai-6';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import type { ResponseInputItem, ResponseOutputItem } from 'openai/resources/responses/responses';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startTestGateway, TEST_KEY, type TestGateway } from './start-test-gateway.ts';

let simulator: Simulator;
let gateway: TestGateway;

beforeAll(async () => {
  simulator = await startSimulator({ apiKeys: [TEST_KEY] });
  gateway = await startTestGateway(simulator.origin, { openai_front_door: { models: [{ model: 'sim-*' }, { model: 'claude-*' }] } });
});

afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

const CLIENT_KEY = 'sk-the-clients-own';
const ask = (model: string): { model: string; max_tokens: number; messages: { role: 'user'; content: string }[] } =>
  ({ model, max_tokens: 300, messages: [{ role: 'user', content: 'Say hello' }] });
const TOOLS = ['get_weather', 'get_time'].map((name) => ({
  type: 'function' as const, function: { name, description: name, parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
}));

const versions: ReadonlyArray<readonly [string, () => OpenAI]> = [
  ['7', () => new OpenAI({ apiKey: CLIENT_KEY, baseURL: `${gateway.origin}/v1` })],
  ['6', () => new OpenAI6({ apiKey: CLIENT_KEY, baseURL: `${gateway.origin}/v1` }) as unknown as OpenAI],
  ['5', () => new OpenAI5({ apiKey: CLIENT_KEY, baseURL: `${gateway.origin}/v1` }) as unknown as OpenAI],
];

describe.each(versions)('the openai package, major version %s', (_name, create) => {
  test('creates a completion', async () => {
    const completion = await create().chat.completions.create(ask('sim-text'));
    expect(completion.choices[0]).toMatchObject({ finish_reason: 'stop', message: { role: 'assistant', content: expect.any(String) as string } });
    expect(completion.usage?.total_tokens).toBe((completion.usage?.prompt_tokens ?? 0) + (completion.usage?.completion_tokens ?? 0));
    expect(completion._request_id).toMatch(/^req_/);
  });

  test('streams with usage, to its final form', async () => {
    const stream = create().chat.completions.stream({ ...ask('sim-text'), stream_options: { include_usage: true } });
    let text = '';
    stream.on('content', (delta) => { text += delta; });
    const completion = await stream.finalChatCompletion();
    expect(completion.choices[0]?.message.content).toBe(text);
    expect(text.length).toBeGreaterThan(10);
    expect((await stream.totalUsage()).completion_tokens).toBeGreaterThan(0);
  });

  test('runs parallel tools over several turns with the runner', async () => {
    const called: string[] = [];
    const runner = create().chat.completions.runTools({
      ...ask('sim-parallel-tools'),
      tools: TOOLS.map((tool) => ({
        ...tool,
        function: { ...tool.function, parse: JSON.parse, function: (input: { city?: string }) => { called.push(tool.function.name); return `fine in ${input.city ?? ''}`; } },
      })),
    });
    expect(String(await runner.finalContent()).length).toBeGreaterThan(0);
    expect(called.length).toBeGreaterThan(1);
  });

  test('parses structured output', async () => {
    const completion = await create().chat.completions.parse({
      ...ask('sim-structured'), response_format: zodResponseFormat(z.object({ city: z.string(), celsius: z.number() }), 'weather'),
    });
    expect(completion.choices[0]?.message.parsed).toMatchObject({ city: expect.any(String) as string, celsius: expect.any(Number) as number });
  });

  test('sends an image', async () => {
    const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const completion = await create().chat.completions.create({
      ...ask('sim-text'),
      messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } }] }],
    });
    expect(completion.choices[0]?.finish_reason).toBe('stop');
  });

  test('lists models and finds one', async () => {
    const client = create();
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids.length).toBeGreaterThan(2);
    expect((await client.models.retrieve(ids[0] as string)).id).toBe(ids[0]);
  });

  test('raises its own error classes, with the upstream\'s status', async () => {
    const client = create();
    await expect(client.chat.completions.create(ask('sim-rate-limited'), { maxRetries: 0 })).rejects.toMatchObject({ status: 429, type: 'rate_limit_error' });
    await expect(client.chat.completions.create(ask('sim-overloaded'), { maxRetries: 0 })).rejects.toMatchObject({ status: 529 });
    await expect(client.chat.completions.create({ ...ask('sim-text'), n: 2 }, { maxRetries: 0 })).rejects.toMatchObject({ status: 400, param: 'n' });
    await expect(client.chat.completions.create(ask('gpt-unknown'), { maxRetries: 0 })).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  test('never takes a broken stream for a whole one', async () => {
    const failing = create().chat.completions.stream(ask('sim-stream-error'));
    await expect(failing.finalChatCompletion()).rejects.toThrow();
  });

  test('cancels the upstream when it aborts', async () => {
    const stream = await create().chat.completions.create({ ...ask('sim-slow'), stream: true });
    for await (const _chunk of stream) {
      stream.controller.abort();
      break;
    }
    await expect.poll(() => simulator.openStreams).toBe(0);
  });
});

test('@ai-sdk/openai-compatible generates and streams', async () => {
  const model = createOpenAICompatible({ name: 'penstock', apiKey: CLIENT_KEY, baseURL: `${gateway.origin}/v1` })('sim-text');
  expect((await generateText({ model, prompt: 'Say hello', maxOutputTokens: 300 })).finishReason).toBe('stop');
  const { textStream } = streamText({ model, prompt: 'Say hello', maxOutputTokens: 300 });
  let text = '';
  for await (const part of textStream) text += part;
  expect(text.length).toBeGreaterThan(10);
});

test('@langchain/openai invokes and streams', async () => {
  const model = new ChatOpenAI({ apiKey: CLIENT_KEY, configuration: { baseURL: `${gateway.origin}/v1` }, model: 'sim-text', maxTokens: 300 });
  expect((await model.invoke('Say hello')).text.length).toBeGreaterThan(10);
  let text = '';
  for await (const part of await model.stream('Say hello')) text += part.text;
  expect(text.length).toBeGreaterThan(10);
});

describe.each(versions)('the openai package over the Responses API, major version %s', (_name, create) => {
  const said = ({ output }: { readonly output: readonly ResponseOutputItem[] }): string => output.flatMap((item) => (item.type === 'message' ? item.content : [])).map((part) => (part.type === 'output_text' ? part.text : '')).join('');

  test('creates, and streams to its final form', async () => {
    const { responses } = create();
    const whole = await responses.create({ model: 'sim-text', input: 'Say hello' });
    expect([whole.status, said(whole).length > 10, whole._request_id?.startsWith('req_')]).toEqual(['completed', true, true]);
    const stream = responses.stream({ model: 'sim-text', input: 'Say hello' });
    let text = '';
    stream.on('response.output_text.delta', ({ delta }) => { text += delta; });
    const final = await stream.finalResponse();
    expect(said(final)).toBe(text);
    expect(final.usage?.output_tokens).toBeGreaterThan(0);
  });

  test.each([false, true])('runs parallel tools over two turns (stream %s)', async (stream) => {
    const { responses } = create();
    const input: ResponseInputItem[] = [{ role: 'user', content: 'Say hello' }];
    const tools = TOOLS.map(({ function: { name, description, parameters } }) => ({ type: 'function' as const, name, description, parameters, strict: false }));
    const turn = async (): Promise<{ output: ResponseOutputItem[] }> => (stream ? await responses.stream({ model: 'sim-parallel-tools', input, tools }).finalResponse() : await responses.create({ model: 'sim-parallel-tools', input, tools }));
    const first = await turn();
    const calls = first.output.filter((item) => item.type === 'function_call');
    expect(calls.length).toBeGreaterThan(1);
    input.push(...first.output as ResponseInputItem[], ...calls.map(({ call_id }): ResponseInputItem => ({ type: 'function_call_output', call_id, output: 'fine' })));
    expect(said(await turn()).length).toBeGreaterThan(10);
  });

  test('parses structured output, and raises its own errors', async () => {
    const { responses } = create();
    const format = zodTextFormat(z.object({ city: z.string(), celsius: z.number() }), 'weather');
    expect((await responses.parse({ model: 'sim-structured', input: 'Say hello', text: { format } })).output_parsed).toMatchObject({ city: expect.any(String) as string });
    await expect(responses.create({ model: 'sim-rate-limited', input: 'x' }, { maxRetries: 0 })).rejects.toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
    await expect(responses.create({ model: 'sim-text', input: 'x', conversation: 'conv_1' }, { maxRetries: 0 })).rejects.toMatchObject({ status: 400, param: 'conversation' });
    await expect(responses.stream({ model: 'sim-stream-error', input: 'x' }).finalResponse().then(({ status }) => status, () => 'rejected')).resolves.not.toBe('completed');
  });

  test('searches the web, and is cited', async () => {
    const { output } = await create().responses.create({ model: 'sim-web-search', input: 'What is a penstock?', tools: [{ type: 'web_search' }] });
    expect(output.some(({ type }) => type === 'web_search_call')).toBe(true);
    expect(output.flatMap((item) => (item.type === 'message' ? item.content : [])).flatMap((part) => (part.type === 'output_text' ? part.annotations : [])).map(({ type }) => type)).toContain('url_citation');
  });
});

test('@langchain/openai invokes and streams over the Responses API', async () => {
  const model = new ChatOpenAI({ apiKey: CLIENT_KEY, configuration: { baseURL: `${gateway.origin}/v1` }, model: 'sim-thinking', maxTokens: 4000, useResponsesApi: true });
  expect((await model.invoke('Say hello')).text.length).toBeGreaterThan(10);
  let text = '';
  for await (const part of await model.stream('Say hello')) text += part.text;
  expect(text.length).toBeGreaterThan(10);
});

test('no credential of a client ever reached the upstream', () => {
  expect(simulator.requests.length).toBeGreaterThan(20);
  for (const request of simulator.requests) {
    expect(fieldValues(request.rawHeaders, 'x-api-key')).toEqual([TEST_KEY]);
    expect(JSON.stringify(request.rawHeaders)).not.toContain(CLIENT_KEY);
  }
});
