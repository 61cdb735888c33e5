import Anthropic from '@anthropic-ai/sdk';
import { createAnthropic } from '@ai-sdk/anthropic';
import { ChatAnthropic } from '@langchain/anthropic';
import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { fieldValues } from '@penstock/test-support';
import { generateText, streamText } from 'ai';
import AnthropicOld, { toFile } from 'anthropic-sdk-0-71';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, TEST_KEY, type TestGateway } from './start-test-gateway.ts';

let simulator: Simulator;
let gateway: TestGateway;

beforeAll(async () => {
  simulator = await startSimulator({ apiKeys: [TEST_KEY] });
  gateway = await startTestGateway(simulator.origin);
});

afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

const CLIENT_KEY = 'sk-ant-api03-the-clients-own';
const ASK = { model: 'sim-text', max_tokens: 200, messages: [{ role: 'user' as const, content: 'Say hello' }] };
const TOOLS = [{ name: 'get_weather', description: 'Weather', input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] } }];

/** Both versions have the same surface where it is used here. */
const sdks: ReadonlyArray<readonly [string, () => Anthropic]> = [
  ['1.x (sends a bearer)', () => new Anthropic({ apiKey: CLIENT_KEY, baseURL: gateway.anthropic })],
  ['0.71 (sends x-api-key)', () => new AnthropicOld({ apiKey: CLIENT_KEY, baseURL: gateway.anthropic }) as unknown as Anthropic],
];

describe.each(sdks)('@anthropic-ai/sdk %s', (_name, create) => {
  test('creates a message', async () => {
    const message = await create().messages.create(ASK);
    expect(message.content[0]).toMatchObject({ type: 'text' });
    expect(message.stop_reason).toBe('end_turn');
    expect(message._request_id).toMatch(/^req_/);
  });

  test('streams a message to its final form, equal to the iterated text', async () => {
    const stream = create().messages.stream(ASK);
    let text = '';
    stream.on('text', (delta) => { text += delta; });
    const message = await stream.finalMessage();
    expect(text.length).toBeGreaterThan(10);
    expect(message.content).toMatchObject([{ type: 'text', text }]);
    expect(message.usage.output_tokens).toBeGreaterThan(1);
  });

  test('uses a tool and gives its result', async () => {
    const client = create();
    const first = await client.messages.create({ ...ASK, model: 'sim-tool-use', tools: TOOLS });
    const use = first.content.find((block) => block.type === 'tool_use');
    expect(first.stop_reason).toBe('tool_use');
    const second = await client.messages.create({
      ...ASK, model: 'sim-tool-use', tools: TOOLS,
      messages: [...ASK.messages, { role: 'assistant', content: first.content }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: use?.id ?? '', content: 'sunny' }] }],
    });
    expect(second.stop_reason).toBe('end_turn');
  });

  test('thinks', async () => {
    const message = await create().messages.stream({ ...ASK, model: 'sim-thinking', max_tokens: 2000, thinking: { type: 'enabled', budget_tokens: 1024 } }).finalMessage();
    expect(message.content.map(({ type }) => type)).toEqual(['thinking', 'text']);
  });

  test('counts tokens and lists models over pages', async () => {
    const client = create();
    const { max_tokens: _, ...question } = ASK;
    expect((await client.messages.countTokens(question)).input_tokens).toBeGreaterThan(0);
    const ids: string[] = [];
    for await (const model of client.models.list({ limit: 2 })) ids.push(model.id);
    expect(ids.length).toBeGreaterThan(2);
    expect((await client.models.retrieve(ids[0] as string)).id).toBe(ids[0]);
  });

  test('runs a batch to its results', async () => {
    const client = create();
    const batch = await client.messages.batches.create({ requests: [{ custom_id: 'a', params: ASK }, { custom_id: 'b', params: ASK }] });
    expect((await client.messages.batches.retrieve(batch.id)).processing_status).toBe('ended');
    // The SDK dials results_url; here it leads to the simulator itself, which wants the gateway's key.
    const response = await fetch(`${gateway.anthropic}/v1/messages/batches/${batch.id}/results`);
    const lines = (await response.text()).trim().split('\n').map((line) => JSON.parse(line) as { custom_id: string; result: { type: string } });
    expect(lines.map(({ custom_id: id, result }) => [id, result.type].join(' ')).toSorted()).toEqual(['a succeeded', 'b succeeded']);
  });

  test('uploads a file and downloads one, byte for byte', async () => {
    const client = create();
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256));
    const file = await client.beta.files.upload({ file: await toFile(bytes, 'data.bin', { type: 'application/octet-stream' }) });
    expect(file.size_bytes).toBe(bytes.length);
    const download = await fetch(`${gateway.anthropic}/v1/files/${file.id}/content`);
    expect(download.status === 200 ? Buffer.from(await download.arrayBuffer()).equals(bytes) : download.status).toBe(true);
    await client.beta.files.delete(file.id);
  });

  test('gets upstream errors as the API words them', async () => {
    await expect(create().messages.create({ ...ASK, model: 'sim-overloaded' }, { maxRetries: 0 })).rejects.toMatchObject({ status: 529, error: { error: { type: 'overloaded_error' } } });
    await expect(create().messages.create({ ...ASK, max_tokens: 0 }, { maxRetries: 0 })).rejects.toMatchObject({ status: 400, requestID: expect.stringMatching(/^req_/) as string });
  });
});

test('@ai-sdk/anthropic generates and streams', async () => {
  const model = createAnthropic({ apiKey: CLIENT_KEY, baseURL: `${gateway.anthropic}/v1` })('sim-text');
  expect((await generateText({ model, prompt: 'Say hello', maxOutputTokens: 200 })).finishReason).toBe('stop');
  const { textStream, finishReason } = streamText({ model, prompt: 'Say hello', maxOutputTokens: 200 });
  let text = '';
  for await (const part of textStream) text += part;
  expect(text.length).toBeGreaterThan(10);
  expect(await finishReason).toBe('stop');
});

test('@langchain/anthropic invokes and streams', async () => {
  const model = new ChatAnthropic({ apiKey: CLIENT_KEY, anthropicApiUrl: gateway.anthropic, model: 'sim-text', maxTokens: 200 });
  expect((await model.invoke('Say hello')).text.length).toBeGreaterThan(10);
  let text = '';
  for await (const part of await model.stream('Say hello')) text += part.text;
  expect(text.length).toBeGreaterThan(10);
});

test('no credential of a client ever reached the upstream; every request carried the key of the gateway', () => {
  expect(simulator.requests.length).toBeGreaterThan(20);
  for (const request of simulator.requests) {
    expect(fieldValues(request.rawHeaders, 'x-api-key')).toEqual([TEST_KEY]);
    expect(JSON.stringify([request.path, request.rawHeaders])).not.toContain(CLIENT_KEY);
  }
});
