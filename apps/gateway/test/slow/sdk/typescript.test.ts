import Anthropic from '@anthropic-ai/sdk';
import AnthropicOld from 'anthropic-sdk-0-71';
import { describe, expect, test } from 'vitest';
import { startTestGateway } from '../../start-test-gateway.ts';
import { cutStream, messageEvents, text } from '../clients/api-answers.ts';
import { startScriptedApi } from '../clients/scripted-api.ts';
import { expectEqualAccounts } from './expect-equal-accounts.ts';
import { SDK_SCENARIOS, type SdkCall, type SdkEnd } from './sdk-scenarios.ts';

const KEY = 'sk-ant-api03-dummy-key-of-a-test';
const IMPATIENT_MS = 2_000;
const ASK = { model: 'claude-scripted', max_tokens: 200, messages: [{ role: 'user' as const, content: 'Say hello' }] };
const TOOLS = [{ name: 'get_weather', description: 'Weather', input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] } }];

/** Both versions have the same surface where it is used here. */
const SDKS: ReadonlyArray<readonly [string, (baseURL: string) => Anthropic]> = [
  ['1.x', (baseURL) => new Anthropic({ apiKey: KEY, baseURL })],
  ['0.71', (baseURL) => new AnthropicOld({ apiKey: KEY, baseURL }) as unknown as Anthropic],
];

const endOf = ({ content, stop_reason: stopReason }: Anthropic.Message): SdkEnd => ({ text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''), ...(stopReason === null ? {} : { stopReason }) });

async function useTool(ask: (params: Anthropic.MessageCreateParamsNonStreaming) => Promise<Anthropic.Message>): Promise<SdkEnd> {
  const first = await ask({ ...ASK, tools: TOOLS });
  const use = first.content.find((block) => block.type === 'tool_use');
  const result = { type: 'tool_result' as const, tool_use_id: use?.id ?? '', content: JSON.stringify(use?.input) };
  return endOf(await ask({ ...ASK, tools: TOOLS, messages: [...ASK.messages, { role: 'assistant', content: first.content }, { role: 'user', content: [result] }] }));
}

/** A member that is missing does not compile. */
const CALLS: Readonly<Record<SdkCall, (client: Anthropic) => Promise<SdkEnd>>> = {
  create: async (client) => endOf(await client.messages.create(ASK)),
  stream: async (client) => endOf(await client.messages.stream(ASK).finalMessage()),
  tool: (client) => useTool((params) => client.messages.create(params)),
  stream_tool: (client) => useTool((params) => client.messages.stream(params).finalMessage()),
  count_tokens: async (client) => ({ text: String((await client.messages.countTokens({ model: ASK.model, messages: ASK.messages })).input_tokens) }),
  impatient: async (client) => endOf(await client.messages.create(ASK, { timeout: IMPATIENT_MS, maxRetries: 0 })),
  impatient_stream: async (client) => endOf(await client.messages.stream(ASK, { timeout: IMPATIENT_MS, maxRetries: 0 }).finalMessage()),
};

async function drive(client: Anthropic, call: SdkCall): Promise<SdkEnd> {
  try {
    return await CALLS[call](client);
  } catch (error) {
    const { constructor, message, status } = error as Error & { status?: number };
    return { error: constructor.name, message, status: status ?? null };
  }
}

describe.each(SDKS)('@anthropic-ai/sdk %s ends as it does without the gateway, and costs the upstream the same', (_version, create) => {
  test.concurrent.each(SDK_SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) =>
    expectEqualAccounts(scenario, (call, baseUrl) => drive(create(baseUrl), call)));

  test('a broken stream says why where it may end in an event (broken_streams: event)', async () => {
    await using api = await startScriptedApi({ messages: [cutStream(messageEvents([text('Half of an answer.')]).slice(0, 4))] });
    await using gateway = await startTestGateway(api.origin, { anthropic_native: { broken_streams: 'event' } });
    const end = await drive(create(gateway.anthropic), 'stream');
    expect(end.error).toBe('APIError');
    expect(end.message).toContain('The stream from the Anthropic API ended before it was complete.');
  });
});
