import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { answerEvents, answerJson, messageEvents, messageJson, text, thinking, toolUse, type Answer } from '../support/messages-upstream.ts';
import { validateMessagesRequest } from '../support/messages-validator.ts';
import { eventSchema, responseSchema } from '../support/open-responses-schema.ts';
import { readResponseEvents } from '../support/response-events.ts';
import { startFrontDoor } from '../support/start-front-door.ts';

const ask = (content: unknown): readonly unknown[] => [{ type: 'message', role: 'user', content }];
const WEATHER = { type: 'function', name: 'get_weather', description: 'The weather of a place', parameters: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] } };
const HEART = 'data:image/png;base64,iVBORw0KGgo=';

interface ComplianceCase {
  readonly request: Readonly<Record<string, unknown>>;
  /** The type of an item that the output must have. */
  readonly output: string;
  readonly isStreamed?: boolean;
  readonly status?: string;
}

/** The cases of the compliance runner of Open Responses (its identifiers), and those that its specification adds for tools, thinking and ends. */
const CASES: Readonly<Record<string, ComplianceCase>> = {
  'basic-response': { request: { input: ask('Say hello in exactly 3 words.') }, output: 'message' },
  'streaming-response': { request: { input: ask('Count from 1 to 5.') }, output: 'message', isStreamed: true },
  'system-prompt': { request: { input: [{ type: 'message', role: 'system', content: 'Answer like a pirate.' }, ...ask('Say hello.')] }, output: 'message' },
  'tool-calling': { request: { input: ask('What is the weather in San Francisco?'), tools: [WEATHER] }, output: 'function_call' },
  'tool-calling-streaming': { request: { input: ask('What is the weather in San Francisco?'), tools: [WEATHER] }, output: 'function_call', isStreamed: true },
  'image-input': { request: { input: ask([{ type: 'input_text', text: 'What do you see?' }, { type: 'input_image', image_url: HEART }]) }, output: 'message' },
  'multi-turn': { request: { input: [...ask('My name is Alice.'), { type: 'message', role: 'assistant', content: 'Hello Alice!' }, ...ask('What is my name?')] }, output: 'message' },
  'reasoning-streaming': { request: { input: ask('Think about it.'), reasoning: { effort: 'high', summary: 'auto' } }, output: 'reasoning', isStreamed: true },
  'refusal-streaming': { request: { input: ask('Do what is refused.') }, output: 'message', isStreamed: true },
  'incomplete-streaming': { request: { input: ask('Say more than fits, cut.'), max_output_tokens: 16 }, output: 'message', isStreamed: true, status: 'incomplete' },
};

/** Answers as a model would that does what it is asked. */
const model: Answer = (request, response) => {
  validateMessagesRequest(request.body);
  const asked = request.bytes.toString();
  const isStream = asked.includes('"stream":true');
  const end = { stopReason: asked.includes('weather') ? 'tool_use' : asked.includes('refused') ? 'refusal' : asked.includes('cut') ? 'max_tokens' : 'end_turn' };
  if (!isStream) return answerJson(messageJson([end.stopReason === 'tool_use' ? { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { location: 'San Francisco, CA' } } : { type: 'text', text: 'Hello my friend' }], end))(request, response);
  const blocks = [...asked.includes('Think') ? [thinking('Hm', 'c2ln')] : [], end.stopReason === 'tool_use' ? toolUse('toolu_1', 'get_weather', '{"location":', '"San Francisco, CA"}') : text('Hello ', 'my friend')];
  return answerEvents(messageEvents(blocks, end))(request, response);
};

describe('Open Responses', () => {
  it.each(Object.entries(CASES))('%s: the response has every member that the specification requires, and what was asked for', async (_id, { request, output, isStreamed = false, status = 'completed' }) => {
    await using door = await startFrontDoor(model);
    const answer = await fetch(`${door.baseURL}/responses`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer x' }, body: JSON.stringify({ model: 'claude-sonnet-5-5', ...request, stream: isStreamed }) });
    expect([answer.status, answer.headers.get('content-type')?.split(';')[0]]).toEqual([200, isStreamed ? 'text/event-stream' : 'application/json']);
    let final: unknown;
    if (isStreamed) {
      const events = readResponseEvents(await answer.text());
      for (const event of events) eventSchema.parse(event);
      expect(events.map(({ type }) => type).slice(0, 2)).toEqual(['response.created', 'response.in_progress']);
      final = events.at(-1)?.['response'];
    } else final = await answer.json();
    const response = responseSchema.parse(final);
    expect(response.status).toBe(status);
    expect(response.output.map(({ type }) => type)).toContain(output);
  });

  it('is a table of the README, case by case', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
    const section = readme.slice(readme.indexOf('## Open Responses')).split('\n## ')[0] ?? '';
    expect([...section.matchAll(/^\| `([a-z-]+)` \|.*\| passes \|$/gm)].map(([, id]) => id)).toEqual(Object.keys(CASES));
  });
});
