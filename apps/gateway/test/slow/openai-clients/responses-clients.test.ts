import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  answerEvents, answerJson, messageEvents, messageJson, startMessagesUpstream, text, thinking, toolUse, type Answer, type MessagesUpstream,
} from '../../../../../packages/openai-front-door/test/support/messages-upstream.ts';
import { startTestGateway, type TestGateway } from '../../start-test-gateway.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { findResponsesClients, loadClient, RESPONSES_CLIENTS } from './responses-clients.ts';

const client = findResponsesClients();
printSkipped('the Agents SDK and the AI SDK over the Responses API', client);

const MODEL = 'claude-sonnet-5-5';

/** Calls a tool after a thought, then answers with what came of it; streamed or not, as asked. */
const toolLoop: Answer = (request, response) => {
  const isStream = request.bytes.includes('"stream":true');
  if (request.bytes.includes('tool_result')) return (isStream ? answerEvents(messageEvents([text('It is ', 'fine.')])) : answerJson(messageJson([{ type: 'text', text: 'It is fine.' }])))(request, response);
  const end = { stopReason: 'tool_use' };
  return (isStream
    ? answerEvents(messageEvents([thinking('Ask the tool.', 'c2ln'), text('Looking.'), toolUse('toolu_1', 'get_weather', '{"city":', '"Rome"}')], end))
    : answerJson(messageJson([{ type: 'thinking', thinking: 'Ask the tool.', signature: 'c2ln' }, { type: 'text', text: 'Looking.' }, { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Rome' } }], end)))(request, response);
};
const structured: Answer = answerJson(messageJson([{ type: 'text', text: '{"city":"Rome"}' }]));

let upstream: MessagesUpstream;
let gateway: TestGateway;
let answer: Answer = toolLoop;

beforeEach(async () => {
  answer = toolLoop;
  upstream = await startMessagesUpstream((request, response) => answer(request, response));
  gateway = await startTestGateway(upstream.origin);
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const asked = (): readonly string[] => upstream.requests.map(({ bytes }) => bytes.toString());

/** What of the Agents SDK is used here. */
interface Agents {
  readonly Agent: new (options: object) => object;
  readonly OpenAIProvider: new (options: object) => object;
  readonly Runner: new (options: object) => { run(agent: object, input: string | readonly object[], options?: object): Promise<{ readonly finalOutput: unknown; readonly completed: Promise<void> }> };
  readonly tool: (options: object) => object;
}
interface Zod { readonly z: { object(shape: object): unknown; string(): unknown } }

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const IMAGE_BLOCK = '"type":"image","source":{"type":"base64","media_type":"image/png"';

describe.skipIf('missing' in client).each([['the Responses API, its default', true], ['Chat Completions', false]])(`@openai/agents ${RESPONSES_CLIENTS.agents} over %s`, (_protocol, useResponses) => {
  async function load(): Promise<{ readonly agents: Agents; readonly runner: InstanceType<Agents['Runner']>; readonly z: Zod['z'] }> {
    const [agents, { z }] = [await loadClient<Agents>(client, '@openai/agents'), await loadClient<Zod>(client, 'zod')];
    const modelProvider = new agents.OpenAIProvider({ apiKey: 'sk-dummy', baseURL: `${gateway.origin}/v1`, useResponses });
    return { agents, z, runner: new agents.Runner({ modelProvider, tracingDisabled: true }) };
  }

  test.each([false, true])('runs an agent with a tool (stream %s), and gives signed thinking back where the protocol has a place for it', async (stream) => {
    const { agents, runner, z } = await load();
    const weather = agents.tool({ name: 'get_weather', description: 'The weather', parameters: z.object({ city: z.string() }), execute: ({ city }: { city: string }) => `fine in ${city}` });
    const result = await runner.run(new agents.Agent({ name: 'a', instructions: 'Be brief.', model: MODEL, tools: [weather] }), 'Weather in Rome?', { stream });
    if (stream) await result.completed;
    expect(result.finalOutput).toBe('It is fine.');
    expect(upstream.requests).toHaveLength(2);
    expect(asked()[1]?.includes('"thinking":"Ask the tool.","signature":"c2ln"')).toBe(useResponses);
    expect(asked()[1]).toContain('fine in Rome');
  });

  test('sends an image', async () => {
    answer = answerJson(messageJson([{ type: 'text', text: 'A pixel.' }]));
    const { agents, runner } = await load();
    const content = [{ type: 'input_text', text: 'What is this?' }, { type: 'input_image', image: `data:image/png;base64,${PNG}` }];
    expect((await runner.run(new agents.Agent({ name: 'a', model: MODEL }), [{ role: 'user', content }])).finalOutput).toBe('A pixel.');
    expect(asked()[0]).toContain(IMAGE_BLOCK);
  });

  test('asks for the type of its output', async () => {
    answer = structured;
    const { agents, runner, z } = await load();
    const result = await runner.run(new agents.Agent({ name: 'a', instructions: 'Be brief.', model: MODEL, outputType: z.object({ city: z.string() }) }), 'Where?');
    expect(result.finalOutput).toEqual({ city: 'Rome' });
    expect(asked()[0]).toContain('"output_config":{');
  });
});

/** What of the AI SDK is used here. */
interface Ai {
  generateText(options: object): Promise<{ readonly text: string; readonly steps: readonly unknown[] }>;
  streamText(options: object): { readonly textStream: AsyncIterable<string>; readonly steps: Promise<readonly unknown[]> };
  generateObject(options: object): Promise<{ readonly object: unknown }>;
  readonly tool: (options: object) => object;
  readonly stepCountIs?: (count: number) => unknown;
  readonly isStepCount?: (count: number) => unknown;
}
type Provider = (model: string) => unknown;

describe.skipIf('missing' in client).each(['@ai-sdk/openai', '@ai-sdk/open-responses'])(`%s with ai ${RESPONSES_CLIENTS.ai}, by its default`, (name) => {
  async function load(): Promise<{ readonly ai: Ai; readonly model: unknown; readonly z: Zod['z']; readonly options: object }> {
    const [ai, { z }] = [await loadClient<Ai>(client, 'ai'), await loadClient<Zod>(client, 'zod')];
    const baseURL = `${gateway.origin}/v1`;
    const provider = name === '@ai-sdk/openai'
      ? (await loadClient<{ createOpenAI(options: object): Provider }>(client, name)).createOpenAI({ apiKey: 'sk-dummy', baseURL })
      : (await loadClient<{ createOpenResponses(options: object): Provider }>(client, name)).createOpenResponses({ name: 'penstock', apiKey: 'sk-dummy', url: `${baseURL}/responses` });
    // Nothing is stored here: without the first the provider refers to items of earlier steps by their id, without the second it gives no thoughts back to a model that it does not know.
    return { ai, z, model: provider(MODEL), options: { providerOptions: { openai: { store: false, forceReasoning: true } } } };
  }

  const weatherOf = ({ tool }: Ai, z: Zod['z']): object => ({ get_weather: tool({ description: 'The weather', inputSchema: z.object({ city: z.string() }), execute: ({ city }: { city: string }) => `fine in ${city}` }) });
  const threeSteps = ({ stepCountIs, isStepCount }: Ai): unknown => (stepCountIs ?? isStepCount)?.(3);

  test('runs a tool', async () => {
    const { ai, z, model, options } = await load();
    const { text: said, steps } = await ai.generateText({ model, prompt: 'Weather in Rome?', tools: weatherOf(ai, z), stopWhen: threeSteps(ai), ...options });
    expect([said, steps.length, upstream.requests.length]).toEqual(['It is fine.', 2, 2]);
    expect(asked()[1]).toContain('fine in Rome');
    expect(asked()[1]).toContain('"thinking":"Ask the tool.","signature":"c2ln"');
  });

  test('sends an image', async () => {
    answer = answerJson(messageJson([{ type: 'text', text: 'A pixel.' }]));
    const { ai, model, options } = await load();
    const content = [{ type: 'text', text: 'What is this?' }, { type: 'file', mediaType: 'image/png', data: Buffer.from(PNG, 'base64') }];
    expect((await ai.generateText({ model, messages: [{ role: 'user', content }], ...options })).text).toBe('A pixel.');
    expect(asked()[0]).toContain(IMAGE_BLOCK);
  });

  test('streams, and runs a tool', async () => {
    const { ai, z, model, options } = await load();
    const { textStream } = ai.streamText({ model, prompt: 'Weather in Rome?', tools: weatherOf(ai, z), stopWhen: threeSteps(ai), ...options });
    let said = '';
    for await (const part of textStream) said += part;
    expect([said, upstream.requests.length]).toEqual(['Looking.It is fine.', 2]);
  });

  test('asks for an object', async () => {
    answer = structured;
    const { ai, z, model, options } = await load();
    expect((await ai.generateObject({ model, prompt: 'Where?', schema: z.object({ city: z.string() }), ...options })).object).toEqual({ city: 'Rome' });
  });
});
