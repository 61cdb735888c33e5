import { zodResponseFormat } from 'openai/helpers/zod';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { OPENAI_VERSIONS } from './support/cut-matrix.ts';
import { answerEvents, answerJson, messageEvents, messageJson, text, thinking, toolUse, type Answer } from './support/messages-upstream.ts';
import { startFrontDoor } from './support/start-front-door.ts';

const MODEL = 'claude-sonnet-4-5';
const USER = { role: 'user' as const, content: 'Hi' };
const PNG = 'data:image/png;base64,iVBORw0KGgo=';

/** Answers with tool calls until their results come back, then with text; streamed or not, as asked. */
const toolLoop: Answer = (request, response) => {
  const hasResults = request.bytes.includes('tool_result');
  if (request.bytes.includes('"stream":true')) {
    const calls = [text('Looking'), toolUse('toolu_1', 'add', '{"a":1,', '"b":2}'), toolUse('toolu_2', 'add', '{"a":3,"b":4}')];
    return answerEvents(hasResults ? messageEvents([text('3 and 7')]) : messageEvents(calls, { stopReason: 'tool_use' }))(request, response);
  }
  const uses = [{ type: 'tool_use', id: 'toolu_1', name: 'add', input: { a: 1, b: 2 } }, { type: 'tool_use', id: 'toolu_2', name: 'add', input: { a: 3, b: 4 } }];
  return answerJson(hasResults ? messageJson([{ type: 'text', text: '3 and 7' }]) : messageJson(uses, { stopReason: 'tool_use' }))(request, response);
};

describe.each(OPENAI_VERSIONS)('the openai package, version %s', (_version, Client) => {
  const clientOf = (baseURL: string, maxRetries = 0): InstanceType<typeof Client> => new Client({ apiKey: 'sk-client', baseURL, maxRetries });

  it('completes a chat without streaming', async () => {
    await using door = await startFrontDoor(answerJson(messageJson([{ type: 'text', text: 'Hello' }])));
    const completion = await clientOf(door.baseURL).chat.completions.create({ model: MODEL, messages: [USER] });
    expect(completion.choices[0]).toEqual({ index: 0, message: { role: 'assistant', content: 'Hello', refusal: null }, logprobs: null, finish_reason: 'stop' });
    expect(completion.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 });
    expect(completion._request_id).toBe('req_01Test');
  });

  it('streams a chat and gathers it with the stream helper', async () => {
    await using door = await startFrontDoor(answerEvents(messageEvents([text('Hel', 'lo')])));
    const completion = await clientOf(door.baseURL).chat.completions.stream({ model: MODEL, messages: [USER], stream_options: { include_usage: true } }).finalChatCompletion();
    expect([completion.choices[0]?.message.content, completion.usage?.total_tokens, completion.id]).toEqual(['Hello', 15, 'msg_01Test']);
  });

  it.each([false, true])('runs tools with the tools runner over two parallel calls (stream %s)', async (stream) => {
    await using door = await startFrontDoor(toolLoop);
    const tool = { type: 'function' as const, function: { name: 'add', description: 'Adds', parameters: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } }, parse: JSON.parse, function: ({ a, b }: { a: number; b: number }) => String(a + b) } };
    const { completions } = clientOf(door.baseURL).chat;
    const runner = stream ? completions.runTools({ model: MODEL, messages: [USER], tools: [tool], stream: true }) : completions.runTools({ model: MODEL, messages: [USER], tools: [tool] });
    expect(await runner.finalContent()).toBe('3 and 7');
    expect(door.upstream.requests[1]?.body).toMatchObject({ messages: [{}, { role: 'assistant' }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '3' }, { type: 'tool_result', tool_use_id: 'toolu_2', content: '7' }] }] });
  });

  it('parses a structured output with zod', async () => {
    await using door = await startFrontDoor(answerJson(messageJson([{ type: 'text', text: '{"city":"Rome"}' }])));
    const format = zodResponseFormat(z.object({ city: z.string() }), 'place');
    const completion = await clientOf(door.baseURL).chat.completions.parse({ model: MODEL, messages: [USER], response_format: format });
    expect(completion.choices[0]?.message.parsed).toEqual({ city: 'Rome' });
    expect(door.upstream.requests[0]?.body).toMatchObject({ output_config: { format: { type: 'json_schema', schema: { additionalProperties: false, required: ['city'] } } } });
  });

  it('sends images and files', async () => {
    await using door = await startFrontDoor(answerJson(messageJson([{ type: 'text', text: 'A cat' }])));
    const content = [{ type: 'text' as const, text: 'What?' }, { type: 'image_url' as const, image_url: { url: PNG } }, { type: 'file' as const, file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } }];
    await clientOf(door.baseURL).chat.completions.create({ model: MODEL, messages: [{ role: 'user', content }] });
    expect(door.upstream.requests[0]?.body).toMatchObject({ messages: [{ content: [{ type: 'text' }, { type: 'image' }, { type: 'document', title: 'a.pdf' }] }] });
  });

  it('lists and retrieves models, a slash in the name included', async () => {
    const model = { type: 'model', id: 'claude-a', display_name: 'A', created_at: '2025-09-29T00:00:00Z' };
    await using door = await startFrontDoor((request, response) => answerJson(request.url.includes('?') ? { data: [model], has_more: false } : model)(request, response), { models: [{ match: 'x/claude-a', backend: 'anthropic', upstreamModel: 'claude-a' }, { match: 'claude-*', backend: 'anthropic' }] });
    const client = clientOf(door.baseURL);
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    expect(ids).toEqual(['claude-a', 'x/claude-a']);
    expect((await client.models.retrieve('x/claude-a')).id).toBe('x/claude-a');
    await expect(client.models.retrieve('gpt-9')).rejects.toBeInstanceOf(Client.NotFoundError);
  });

  it.each([
    [400, 'BadRequestError'], [401, 'AuthenticationError'], [403, 'PermissionDeniedError'], [404, 'NotFoundError'], [409, 'ConflictError'], [429, 'RateLimitError'], [500, 'InternalServerError'], [529, 'InternalServerError'],
  ] as const)('throws its own class for status %i', async (status, name) => {
    await using door = await startFrontDoor(answerJson({ type: 'error', error: { type: 'api_error', message: 'So it is.' } }, status));
    for (const stream of [false, true]) {
      const error: unknown = await clientOf(door.baseURL).chat.completions.create({ model: MODEL, messages: [USER], stream }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Client[name]);
      expect(error).toMatchObject({ status, type: 'api_error', code: 'api_error', param: null, requestID: 'req_01Test' });
    }
  });

  it('learns from a 400 which field was at fault', async () => {
    await using door = await startFrontDoor(answerJson({}));
    await expect(clientOf(door.baseURL).chat.completions.create({ model: MODEL, messages: [USER], n: 2 })).rejects.toMatchObject({ status: 400, param: 'n', code: 'unsupported_parameter' });
  });

  it('does not retry what x-should-retry forbids, and retries what it allows', async () => {
    let shouldRetry = 'false';
    await using door = await startFrontDoor((request, response) => answerJson({ type: 'error', error: { type: 'overloaded_error', message: 'x' } }, 529, { 'x-should-retry': shouldRetry, 'retry-after-ms': '1' })(request, response));
    const ask = (): Promise<unknown> => clientOf(door.baseURL, 1).chat.completions.create({ model: MODEL, messages: [USER] }).catch(() => undefined);
    await ask();
    shouldRetry = 'true';
    await ask();
    expect(door.upstream.requests).toHaveLength(3);
  });

  it('aborts a stream, and the upstream is told', async () => {
    await using door = await startFrontDoor((_request, response) => { response.writeHead(200, { 'content-type': 'text/event-stream' }).write(messageEvents([text('Hel', 'lo')]).split('event: message_delta')[0]); });
    const stream = await clientOf(door.baseURL).chat.completions.create({ model: MODEL, messages: [USER], stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content === 'lo') break;
    await door.upstream.requests[0]?.dropped;
    expect((await door.settled()).outcome).toBe('client_gone');
  });

  it('reads thinking as reasoning_content where it asked for it', async () => {
    await using door = await startFrontDoor(answerEvents(messageEvents([thinking('hm', 'sig'), text('Hi')])));
    const request = { model: MODEL, messages: [USER], stream: true as const, reasoning_content: true };
    const seen: unknown[] = [];
    for await (const chunk of await clientOf(door.baseURL).chat.completions.create(request)) seen.push(chunk.choices[0]?.delta);
    expect(seen).toMatchObject([{ role: 'assistant' }, { reasoning_content: 'hm' }, { content: 'Hi' }, { thinking_blocks: [{ thinking: 'hm', signature: 'sig' }] }, {}]);
  });
});
