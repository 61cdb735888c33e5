import { zodTextFormat } from 'openai/helpers/zod';
import type { Response, ResponseInputItem } from 'openai/resources/responses/responses';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { OPENAI_VERSIONS } from '../support/cut-matrix.ts';
import { answerEvents, answerJson, messageEvents, messageJson, text, thinking, toolUse, type Answer } from '../support/messages-upstream.ts';
import { startFrontDoor } from '../support/start-front-door.ts';

const MODEL = 'claude-sonnet-5';
const PNG = 'data:image/png;base64,iVBORw0KGgo=';
const TOOL = { type: 'function' as const, name: 'add', description: 'Adds', strict: true, parameters: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'], additionalProperties: false } };

/** All text of a response; the stream helper of version 5 leaves `output_text` out. */
function textOf({ output }: Pick<Response, 'output'>): string {
  return output.flatMap((item) => (item.type === 'message' ? item.content : [])).map((part) => (part.type === 'output_text' ? part.text : '')).join('');
}

/** Answers with signed thinking and two calls until their results come back, then with text; streamed or not, as asked. */
const toolLoop: Answer = (request, response) => {
  const hasResults = request.bytes.includes('tool_result');
  if (request.bytes.includes('"stream":true')) {
    const calls = [thinking('Add them', 'sig-1'), text('Looking'), toolUse('toolu_1', 'add', '{"a":1,', '"b":2}'), toolUse('toolu_2', 'add', '{"a":3,"b":4}')];
    return answerEvents(hasResults ? messageEvents([text('3 and 7')]) : messageEvents(calls, { stopReason: 'tool_use' }))(request, response);
  }
  const uses = [{ type: 'thinking', thinking: 'Add them', signature: 'sig-1' }, { type: 'text', text: 'Looking' }, { type: 'tool_use', id: 'toolu_1', name: 'add', input: { a: 1, b: 2 } }, { type: 'tool_use', id: 'toolu_2', name: 'add', input: { a: 3, b: 4 } }];
  return answerJson(hasResults ? messageJson([{ type: 'text', text: '3 and 7' }]) : messageJson(uses, { stopReason: 'tool_use' }))(request, response);
};

describe.each(OPENAI_VERSIONS)('the openai package, version %s, over the Responses API', (_version, Client) => {
  const responsesOf = (baseURL: string): InstanceType<typeof Client>['responses'] => new Client({ apiKey: 'sk-client', baseURL, maxRetries: 0 }).responses;

  it('creates a response', async () => {
    await using door = await startFrontDoor(answerJson(messageJson([{ type: 'text', text: 'Hello' }])));
    const response = await responsesOf(door.baseURL).create({ model: MODEL, input: 'Hi', instructions: 'Be brief.' });
    expect([response.output_text, response.status, response.usage?.total_tokens, response._request_id]).toEqual(['Hello', 'completed', 15, 'req_01Test']);
    expect(door.upstream.requests[0]?.body).toMatchObject({ system: [{ type: 'text', text: 'Be brief.' }], messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] });
  });

  it('streams a response and gathers it with the stream helper', async () => {
    await using door = await startFrontDoor(answerEvents(messageEvents([thinking('Hmm', 'sig'), text('Hel', 'lo')])));
    const stream = responsesOf(door.baseURL).stream({ model: MODEL, input: 'Hi' });
    const deltas: string[] = [];
    stream.on('response.output_text.delta', ({ delta }) => { deltas.push(delta); });
    const response = await stream.finalResponse();
    expect([deltas, textOf(response), response.output.map(({ type }) => type)]).toEqual([['Hel', 'lo'], 'Hello', ['reasoning', 'message']]);
  });

  it.each([false, true])('runs a tool loop, and gives the signed thinking back in its place (stream %s)', async (stream) => {
    await using door = await startFrontDoor(toolLoop);
    const responses = responsesOf(door.baseURL);
    const input: ResponseInputItem[] = [{ role: 'user', content: 'Add' }];
    const ask = async (): Promise<Pick<Response, 'output'>> => {
      const request = { model: MODEL, input, tools: [TOOL], store: false, include: ['reasoning.encrypted_content' as const] };
      return stream ? await responses.stream(request).finalResponse() : await responses.create(request);
    };
    const first = await ask();
    input.push(...first.output as ResponseInputItem[]);
    for (const item of first.output) if (item.type === 'function_call') input.push({ type: 'function_call_output', call_id: item.call_id, output: String((JSON.parse(item.arguments) as { a: number }).a) });
    expect(textOf(await ask())).toBe('3 and 7');
    expect(door.upstream.requests[1]?.body).toMatchObject({ messages: [
      { role: 'user' },
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'Add them', signature: 'sig-1' }, { type: 'text', text: 'Looking' }, { type: 'tool_use', id: 'toolu_1', input: { a: 1, b: 2 } }, { type: 'tool_use', id: 'toolu_2' }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '1' }, { type: 'tool_result', tool_use_id: 'toolu_2', content: '3' }] },
    ] });
  });

  it('parses a structured output with zod', async () => {
    await using door = await startFrontDoor(answerJson(messageJson([{ type: 'text', text: '{"city":"Rome"}' }])));
    const response = await responsesOf(door.baseURL).parse({ model: MODEL, input: 'Where?', text: { format: zodTextFormat(z.object({ city: z.string() }), 'place') } });
    expect(response.output_parsed).toEqual({ city: 'Rome' });
    expect(door.upstream.requests[0]?.body).toMatchObject({ output_config: { format: { type: 'json_schema', schema: { additionalProperties: false, required: ['city'] } } } });
  });

  it('sends images and files', async () => {
    await using door = await startFrontDoor(answerJson(messageJson([{ type: 'text', text: 'A cat' }])));
    await responsesOf(door.baseURL).create({ model: MODEL, input: [{ role: 'user', content: [{ type: 'input_text', text: 'What?' }, { type: 'input_image', image_url: PNG, detail: 'auto' }, { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' }] }] });
    expect(door.upstream.requests[0]?.body).toMatchObject({ messages: [{ content: [{ type: 'text' }, { type: 'image', source: { media_type: 'image/png' } }, { type: 'document', title: 'a.pdf' }] }] });
  });

  it('raises its own error classes', async () => {
    await using door = await startFrontDoor(answerJson({ type: 'error', error: { type: 'rate_limit_error', message: 'Slow down.' } }, 429));
    const responses = responsesOf(door.baseURL);
    await expect(responses.create({ model: MODEL, input: 'Hi' })).rejects.toMatchObject({ status: 429, type: 'rate_limit_error' });
    await expect(responses.create({ model: MODEL, input: 'Hi', previous_response_id: 'resp_1' })).rejects.toMatchObject({ status: 400, param: 'previous_response_id' });
    await expect(responses.create({ model: 'gpt-unknown', input: 'Hi' })).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('never takes a broken stream for a whole one', async () => {
    const cut = messageEvents([text('Hello')]).split('event: message_stop')[0] ?? '';
    await using door = await startFrontDoor(answerEvents(cut));
    const final = await responsesOf(door.baseURL).stream({ model: MODEL, input: 'Hi' }).finalResponse().then(({ status }) => status, () => 'rejected');
    expect(final).not.toBe('completed');
    expect((await door.settled()).outcome).toBe('upstream_truncated');
  });
});
