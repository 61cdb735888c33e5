import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { generateText, isStepCount, Output, tool } from 'ai';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

/** What libraries do by default and current models refuse: forced tools, keywords that cannot be enforced, JSON without a schema, no bound. */
const CURRENT = ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-haiku-5-5', 'claude-opus-5', 'claude-opus-4-8', 'claude-haiku-4-5'] as const;
const CITY = z.object({ city: z.string().min(1), celsius: z.number().gte(-90).lte(60), tags: z.array(z.string()).max(3) });
const CITY_JSON = '{"city":"Berlin","celsius":3,"tags":[]}';

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
beforeEach(() => { simulator.clearRequests(); });

const baseURL = (): string => `${gateway.origin}/v1`;
const langchain = (model: string): ChatOpenAI => new ChatOpenAI({ apiKey: 'x', configuration: { baseURL: baseURL() }, model, maxRetries: 0 });
const aiSdk = (model: string): ReturnType<ReturnType<typeof createOpenAICompatible>> => createOpenAICompatible({ name: 'penstock', baseURL: baseURL() })(model);
const openai = (): OpenAI => new OpenAI({ apiKey: 'x', baseURL: baseURL(), maxRetries: 0 });
const lastBody = (): Record<string, unknown> => JSON.parse(simulator.requests.at(-1)?.body.toString() ?? '{}') as Record<string, unknown>;

describe.each(CURRENT)('%s, with what libraries send by default', (model) => {
  test('openai: parses a schema with bounds, and has the model\'s own output bound where it gives none', async () => {
    const completion = await openai().chat.completions.parse({ model, messages: [{ role: 'user', content: 'Weather?' }], response_format: zodResponseFormat(CITY.omit({ celsius: true, tags: true }), 'weather') });
    expect(completion.choices[0]?.message.parsed).toMatchObject({ city: expect.any(String) as string });
    expect(lastBody()['max_tokens']).toBe(model === 'claude-haiku-4-5' ? 64_000 : 128_000);
  });

  test('openai: takes every reasoning effort, a forced tool and sampling', async () => {
    for (const reasoning_effort of ['none', 'minimal', 'low', 'high', 'xhigh'] as const) {
      const completion = await openai().chat.completions.create({
        model, reasoning_effort, temperature: 0.2, top_p: 0.9, messages: [{ role: 'user', content: '[call get_weather]' }], tool_choice: 'required',
        tools: [{ type: 'function', function: { name: 'get_weather', strict: true, parameters: { type: 'object', properties: { city: { type: 'string', minLength: 1 } }, required: ['city'] } } }],
      });
      expect([reasoning_effort, completion.choices[0]?.finish_reason]).toEqual([reasoning_effort, 'tool_calls']);
    }
  });

  test('@langchain/openai: gets structured output by a tool it forces', async () => {
    const output = await langchain(model).withStructuredOutput(z.object({ city: z.string().min(1) }), { method: 'functionCalling', name: 'weather' }).invoke('[call weather]');
    expect(output).toMatchObject({ city: expect.any(String) as string });
  });

  test('@langchain/openai: calls a strict tool', async () => {
    const weather = langchainTool(() => 'fine', { name: 'get_weather', description: 'd', schema: z.object({ city: z.string().min(1) }) });
    const answer = await langchain(model).bindTools([weather], { tool_choice: 'any', strict: true }).invoke('[call get_weather]');
    expect(answer.tool_calls?.map(({ name }) => name)).toEqual(['get_weather']);
  });

  test('@ai-sdk/openai-compatible: forces a tool, and runs it', async () => {
    const tools = { get_weather: tool({ inputSchema: z.object({ city: z.string().min(1) }), execute: ({ city }) => `fine in ${city}` }) };
    const { steps } = await generateText({ model: aiSdk(model), prompt: '[call get_weather]', tools, toolChoice: 'required', stopWhen: isStepCount(1) });
    expect(steps.map(({ finishReason, toolResults }) => [finishReason, toolResults.length])).toEqual([['tool-calls', 1]]);
  });
});

describe('JSON without a schema', () => {
  test('@ai-sdk/openai-compatible: parses an object with its default options, and the field is reported', async () => {
    const { output, response } = await generateText({ model: aiSdk('sim-echo'), prompt: CITY_JSON, output: Output.object({ schema: CITY }) });
    expect(output).toEqual(JSON.parse(CITY_JSON));
    expect(response.headers?.['x-penstock-ignored-params']).toContain('response_format');
  });

  test('@langchain/openai: parses an object in its JSON mode', async () => {
    expect(await langchain('sim-echo').withStructuredOutput(CITY, { method: 'jsonMode' }).invoke(CITY_JSON)).toEqual(JSON.parse(CITY_JSON));
  });
});

describe('errors by whose code clients decide', () => {
  test.each([['sim-prompt-too-long', 400, 'context_length_exceeded'], ['sim-spend-limit', 429, 'insufficient_quota'], ['sim-rate-limited', 429, 'rate_limit_exceeded']])('openai: %s is %i %s', async (model, status, code) => {
    await expect(openai().chat.completions.create({ model, messages: [{ role: 'user', content: 'x' }] })).rejects.toMatchObject({ status, code });
  });

  test('@langchain/openai: knows a context that is too long by its class', async () => {
    await expect(langchain('sim-prompt-too-long').invoke('x')).rejects.toMatchObject({ name: 'ContextOverflowError' });
  });
});
