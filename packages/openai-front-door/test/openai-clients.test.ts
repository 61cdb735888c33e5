import OpenAI7 from 'openai';
import OpenAI5 from 'openai-5';
import OpenAI6 from 'openai-6';
import { describe, expect, it } from 'vitest';
import { answerEvents, answerJson, messageEvents, messageJson, text, thinking, toolUse } from './support/messages-upstream.ts';
import { startFrontDoor, type RunningFrontDoor } from './support/start-front-door.ts';

const VERSIONS = [['5', OpenAI5], ['6', OpenAI6], ['7', OpenAI7]] as unknown as readonly [string, typeof OpenAI7][];
const TOOLS = [{ type: 'function' as const, function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];

function clientOf(Client: typeof OpenAI7, door: RunningFrontDoor, maxRetries = 0): OpenAI7 {
  return new Client({ apiKey: 'sk-client', baseURL: door.baseURL, maxRetries });
}

describe.each(VERSIONS)('the openai package, version %s', (_version, Client) => {
  it('completes a chat without streaming', async () => {
    await using door = await startFrontDoor(answerJson(messageJson([{ type: 'text', text: 'Hello' }])));
    const completion = await clientOf(Client, door).chat.completions.create({ model: 'claude-sonnet-4-5', messages: [{ role: 'user', content: 'Hi' }] });
    expect(completion.choices[0]).toEqual({ index: 0, message: { role: 'assistant', content: 'Hello', refusal: null }, logprobs: null, finish_reason: 'stop' });
    expect(completion.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 });
    expect(completion._request_id).toBe('req_01Test');
  });

  it('streams a chat and gathers it with the stream helper', async () => {
    await using door = await startFrontDoor(answerEvents(messageEvents([text('Hel', 'lo')])));
    const stream = clientOf(Client, door).chat.completions.stream({ model: 'claude-sonnet-4-5', messages: [{ role: 'user', content: 'Hi' }], stream_options: { include_usage: true } });
    const completion = await stream.finalChatCompletion();
    expect(completion.choices[0]?.message.content).toBe('Hello');
    expect(completion.usage?.total_tokens).toBe(15);
  });

  it('streams parallel tool calls after thinking and text, numbered 0 and 1', async () => {
    const events = messageEvents([thinking('hm', 'sig'), text('Looking'), toolUse('toolu_1', 'get_weather', '{"city":', '"Rome"}'), toolUse('toolu_2', 'get_weather')], { stopReason: 'tool_use' });
    await using door = await startFrontDoor(answerEvents(events));
    const completion = await clientOf(Client, door).chat.completions.stream({ model: 'claude-sonnet-4-5', messages: [{ role: 'user', content: 'Hi' }], tools: TOOLS }).finalChatCompletion();
    expect(completion.choices[0]?.finish_reason).toBe('tool_calls');
    expect(completion.choices[0]?.message.tool_calls?.map((call) => call.type === 'function' && [call.id, call.function.arguments])).toEqual([['toolu_1', '{"city":"Rome"}'], ['toolu_2', '{}']]);
  });
});
