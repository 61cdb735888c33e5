import { describe, expect, it } from 'vitest';
import { answerEvents, answerJson, messageEvents, messageJson, sseEvent, text, thinking, toolUse } from './support/messages-upstream.ts';
import { startFrontDoor } from './support/start-front-door.ts';
import { OPENAI_VERSIONS } from './support/cut-matrix.ts';
import { refusal, settings, settingsOf, translate } from './support/translate.ts';

/*
 * One test for each row of reports against other gateways; the reports are named in front of each. They are user claims,
 * none of which was reproduced there: what is tested is that the fault is not here.
 */

const MODEL = 'claude-sonnet-4-5';
const USER = { role: 'user' as const, content: 'Hi' };
const TOOL = { type: 'function' as const, function: { name: 'a', parameters: { type: 'object', properties: {} } } };
const CALLS = [{ id: 'toolu_1', type: 'function', function: { name: 'a', arguments: '{}' } }, { id: 'toolu_2', type: 'function', function: { name: 'a', arguments: '{}' } }];
async function gather<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const gathered: T[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}
const begun = (...pieces: readonly string[]): string => messageEvents([text(...pieces)]).split('event: message_delta')[0] ?? '';

describe.each(OPENAI_VERSIONS)('reports that a client would see, with openai %s', (_version, Client) => {
  const clientOf = (baseURL: string): InstanceType<typeof Client> => new Client({ apiKey: 'sk', baseURL, maxRetries: 0 });

  // BerriAI/litellm#5231 · QuantumNous/new-api#5229 · aws-samples/bedrock-access-gateway#134 · Laisky/one-api#100
  it('tool index: counts tools, not content blocks ("finish_reason tool_calls, zero tool_calls")', async () => {
    await using door = await startFrontDoor(answerEvents(messageEvents([thinking('hm', 's'), text('x'), toolUse('toolu_1', 'a', '{"n":1}'), toolUse('toolu_2', 'a', '{"n":2}')], { stopReason: 'tool_use' })));
    const completion = await clientOf(door.baseURL).chat.completions.stream({ model: MODEL, messages: [USER], tools: [TOOL] }).finalChatCompletion();
    expect(completion.choices[0]?.message.tool_calls).toMatchObject([{ id: 'toolu_1', function: { arguments: '{"n":1}' } }, { id: 'toolu_2', function: { arguments: '{"n":2}' } }]);
  });

  // BerriAI/litellm#5063 PR#5064 · langchain#23911 PR#23915 · pipecat PR#409 · haystack-core-integrations PR#1950 · litellm#4537
  it('no-argument tool: streams {} and never a {} prefix before arguments', async () => {
    await using door = await startFrontDoor(answerEvents(messageEvents([toolUse('toolu_1', 'a'), toolUse('toolu_2', 'a', '{"n":', '2}')], { stopReason: 'tool_use' })));
    const completion = await clientOf(door.baseURL).chat.completions.stream({ model: MODEL, messages: [USER], tools: [TOOL] }).finalChatCompletion();
    expect(completion.choices[0]?.message.tool_calls).toMatchObject([{ function: { arguments: '{}' } }, { function: { arguments: '{"n":2}' } }]);
  });

  // envoyproxy/ai-gateway#2697 PR#2698 · Portkey-AI/gateway PR#741 · use-agent-os/agent-os#2118 · gptel PR#1512 · litellm PR#41826
  it('mid-stream error: reaches the client as an error, never as success', async () => {
    await using door = await startFrontDoor(answerEvents(begun('Hel', 'lo') + sseEvent({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })));
    const client = clientOf(door.baseURL);
    const read = async (): Promise<void> => { for await (const _chunk of await client.chat.completions.create({ model: MODEL, messages: [USER], stream: true })); };
    await expect(read()).rejects.toMatchObject({ message: expect.stringContaining('Overloaded'), type: 'overloaded_error' });
    await expect(client.chat.completions.stream({ model: MODEL, messages: [USER] }).finalChatCompletion()).rejects.toThrow('Overloaded');
  });

  // litellm#3490 #4905
  it('include_usage: one usage chunk with no choices before [DONE] when asked, none when not', async () => {
    await using door = await startFrontDoor(answerEvents(messageEvents([text('x')])));
    const chunksOf = async (more: object): Promise<readonly { readonly choices: readonly unknown[]; readonly usage?: unknown }[]> => gather(await clientOf(door.baseURL).chat.completions.create({ model: MODEL, messages: [USER], stream: true, ...more }));
    expect((await chunksOf({ stream_options: { include_usage: true } })).at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 15 } });
    expect((await chunksOf({})).every((chunk) => chunk.usage === undefined && chunk.choices.length === 1)).toBe(true);
  });

  // mini-swe-agent#184 · OpenHands#6942 · litellm#37754
  it('529 and 429: keep status, type and retry-after (lost headers mean endless retries)', async () => {
    await using door = await startFrontDoor((request, response) => {
      const status = request.bytes.includes('limit') ? 429 : 529;
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '13', 'x-should-retry': 'false', 'anthropic-ratelimit-requests-remaining': '0' });
      response.end(JSON.stringify({ type: 'error', error: { type: status === 429 ? 'rate_limit_error' : 'overloaded_error', message: 'Later' } }));
    });
    const failing = (content: string): Promise<unknown> => clientOf(door.baseURL).chat.completions.create({ model: MODEL, messages: [{ role: 'user', content }] });
    await expect(failing('x')).rejects.toMatchObject({ status: 529, type: 'overloaded_error', code: 'overloaded_error' });
    const error: unknown = await failing('limit').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Client.RateLimitError);
    const { headers } = error as { headers: Headers };
    expect([headers.get('retry-after'), headers.get('x-should-retry'), headers.get('x-ratelimit-remaining-requests')]).toEqual(['13', 'false', '0']);
  });

  // maximhq/bifrost#1821 #3638 #6123 #4065 #3511 · github/copilot-sdk#1081 · higress PR#3506 · envoyproxy/ai-gateway PR#2121
  it('finish_reason: exactly one, on the last choice chunk, and a refusal has its words in message.refusal', async () => {
    await using door = await startFrontDoor(answerEvents(messageEvents([text('x')], { stopReason: 'refusal', stopDetails: { explanation: 'Not this.' } })));
    const client = clientOf(door.baseURL);
    const chunks = await gather(await client.chat.completions.create({ model: MODEL, messages: [USER], stream: true }));
    expect(chunks.flatMap((chunk) => chunk.choices[0]?.finish_reason ?? [])).toEqual(['content_filter']);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('content_filter');
    const completion = await client.chat.completions.stream({ model: MODEL, messages: [USER] }).finalChatCompletion();
    expect(completion.choices[0]?.message).toMatchObject({ content: 'x', refusal: 'Not this.' });
  });

  // litellm#8961 #9255 · OpenRouterTeam/ai-sdk-provider#339 · earendil-works/pi#9534 · llama_index#20072 · pydantic-ai#2075
  it('thinking on tool turns: blocks and signatures go out, come back and reach the upstream unchanged', async () => {
    const blocks = [{ type: 'thinking', thinking: 'hm', signature: 'sig' }, { type: 'tool_use', id: 'toolu_1', name: 'a', input: {} }];
    await using door = await startFrontDoor((request, response) => {
      const isStream = request.bytes.includes('"stream":true');
      const answer = isStream ? answerEvents(messageEvents([thinking('hm', 'sig'), toolUse('toolu_1', 'a')], { stopReason: 'tool_use' })) : answerJson(messageJson(blocks, { stopReason: 'tool_use' }));
      return answer(request, response);
    });
    const client = clientOf(door.baseURL);
    const first = { model: 'claude-opus-5', messages: [USER], tools: [TOOL], reasoning_effort: 'high' as const, reasoning_content: true };
    const whole = (await client.chat.completions.create(first)).choices[0]?.message;
    const streamed = (await client.chat.completions.stream(first).finalChatCompletion()).choices[0]?.message;
    for (const message of [whole, streamed]) {
      expect(message).toMatchObject({ thinking_blocks: [{ type: 'thinking', thinking: 'hm', signature: 'sig' }] });
      if (message === undefined) continue;
      await client.chat.completions.create({ ...first, messages: [USER, message, { role: 'tool', tool_call_id: 'toolu_1', content: 'ok' }] });
      expect(door.upstream.requests.at(-1)?.body).toMatchObject({ thinking: { type: 'adaptive' }, messages: [{}, { role: 'assistant', content: blocks }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1' }] }] });
    }
  });
});

describe('reports about what is sent upstream', () => {
  // MoonshotAI/kosong#45 · rowboat PR#378 · agentscope PR#1894 · KunAgent/Kun PR#575 · mlflow#24296
  it('parallel tool results: are one user message ("tool_use ids were found without tool_result blocks")', () => {
    const messages = [USER, { role: 'assistant', tool_calls: CALLS }, { role: 'tool', tool_call_id: 'toolu_1', content: '1' }, { role: 'tool', tool_call_id: 'toolu_2', content: '2' }, USER];
    expect(translate({ messages }).body['messages']).toMatchObject([{}, {}, { role: 'user', content: [{ tool_use_id: 'toolu_1' }, { tool_use_id: 'toolu_2' }, { type: 'text' }] }]);
  });

  // litellm#8901 #8883 PR#9594 PR#35637 · pydantic-ai#2425 · mastra#7507
  it('forced tool for JSON versus thinking: a schema never forces a tool, so thinking stays possible', () => {
    const { body } = translate({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } }, reasoning_effort: 'high', reasoning_content: true }, settingsOf('claude-opus-5'));
    expect(body).toMatchObject({ output_config: { effort: 'high', format: { type: 'json_schema' } }, thinking: { type: 'adaptive' } });
    expect([body['tools'], body['tool_choice']]).toEqual([undefined, undefined]);
  });

  // Helicone/helicone#5639 · camel#4001 · prism-php#912 · ENTERPILOT/GoModel PR#963
  it('response_format: becomes output_config.format, not the deprecated output_format', () => {
    const { body } = translate({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object', additionalProperties: false } } } });
    expect(body['output_config']).toEqual({ format: { type: 'json_schema', schema: { type: 'object', additionalProperties: false } } });
    expect(body['output_format']).toBeUndefined();
  });

  // inspect_ai#3721 PR#3722 · OpenHands/software-agent-sdk#1945 PR#3427 · new-api#4335 · promptfoo PR#9500 · onyx#12735 · dust#28308 · models.dev#1468 · claude-code-proxy#5
  it.each(['claude-opus-4-7', 'claude-opus-5', 'claude-unheard-of'])('sampling parameters: are not sent to %s, which would answer 400', (model) => {
    const { body, ignored } = translate({ temperature: 0.7, top_p: 0.9 }, settingsOf(model));
    expect([body['temperature'], body['top_p'], ignored]).toEqual([undefined, undefined, ['temperature', 'top_p']]);
  });

  // pydantic-ai#7468 · TanStack/ai#849 PR#853 · crewAI PR#7077 · humux#77 · litellm PR#2855
  it('default max_tokens: comes from the configuration, not a fixed 4096 that cuts answers short', async () => {
    await using door = await startFrontDoor(answerJson(messageJson([])), { maxOutputTokens: 32_000, models: [{ match: 'claude-big', backend: 'anthropic', defaultMaxTokens: 64_000 }, { match: 'claude-*', backend: 'anthropic' }] });
    await door.post({ model: MODEL, messages: [USER] });
    await door.post({ model: 'claude-big', messages: [USER] });
    expect(door.upstream.requests.map((request) => (request.body as { max_tokens: number }).max_tokens)).toEqual([32_000, 64_000]);
  });

  // vercel/ai#5576 · llama_index PR#17278 · aliasrobotics/cai#182 · anthropic-sdk-python#461
  it('empty text blocks: are never sent', () => {
    const messages = [{ role: 'system', content: '' }, { role: 'user', content: [{ type: 'text', text: '' }, { type: 'text', text: 'x' }] }, { role: 'assistant', content: '', tool_calls: CALLS.slice(0, 1) }, { role: 'tool', tool_call_id: 'toolu_1', content: '' }];
    const { body } = translate({ messages });
    expect(body['system']).toBeUndefined();
    expect(body['messages']).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'x' }] }, { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'a', input: {} }] }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1' }] },
    ]);
  });

  // litellm PR#26788 · EasyMetaAu/helm-api#48 PR#53 · openclaw PR#54005
  it('tool names: are checked and refused, never renamed (a renamed tool is not found again)', () => {
    expect(refusal({ tools: [{ type: 'function', function: { name: 'mcp.server/tool' } }] })).toMatchObject({ status: 400, param: 'tools[0].function.name' });
    expect(translate({ tools: [{ type: 'function', function: { name: 'mcp__server__tool-1' } }] }).body['tools']).toMatchObject([{ name: 'mcp__server__tool-1' }]);
  });

  // litellm#36559 PR#38053 · maximhq/bifrost#4592 · langchainjs PR#11669 · llm-rosetta PR#495 · rynfar/meridian PR#966
  it('late system messages: keep their order and leave the leading blocks as they are, or stay in place where the model allows', () => {
    const messages = [{ role: 'system', content: 'one' }, USER, { role: 'system', content: 'two' }, { role: 'assistant', content: 'x' }, USER, { role: 'system', content: 'three' }];
    expect(translate({ messages }).body['system']).toEqual([{ type: 'text', text: 'one' }, { type: 'text', text: 'two\nthree' }]);
    const inline = translate({ messages }, settings({ laterSystemMessages: 'inline' })).body;
    expect(inline['system']).toEqual([{ type: 'text', text: 'one' }]);
    expect(inline['messages']).toMatchObject([{ role: 'user' }, { role: 'system' }, { role: 'assistant' }, { role: 'user' }, { role: 'system' }]);
  });

  // Kilo-Org/kilocode#8260 · LibreChat#13196 · llm-exe#503 · copilot-api PR#261
  it('trailing assistant prefill: is a 400 that names messages for 4.6 and newer, and passes for older models', () => {
    const messages = [USER, { role: 'assistant', content: '{' }];
    expect(refusal({ messages }, settingsOf('claude-opus-4-6'))).toMatchObject({ status: 400, param: 'messages' });
    expect(translate({ messages }, settingsOf('claude-sonnet-4-5')).body['messages']).toHaveLength(2);
  });

  // songquanpeng/one-api#2388 · unsloth PR#11160 · litellm#12899 #5763
  it('image_url: is handed on and never fetched (no request forgery)', async () => {
    await using trap = await startFrontDoor(answerJson({}));
    await using door = await startFrontDoor(answerJson(messageJson([])));
    const ask = (url: string): Promise<Response> => door.post({ model: MODEL, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] });
    expect((await ask(`${trap.upstream.origin}/a.png`)).status).toBe(400);
    expect((await ask(`https://127.0.0.1:${new URL(trap.upstream.origin).port}/a.png`)).status).toBe(200);
    expect(trap.upstream.requests).toEqual([]);
    expect(door.upstream.requests).toHaveLength(1);
  });

  // silent drops hide faults; ngrok lists removed parameters
  it('dropped parameters: are named in one response header, streamed or not', async () => {
    await using door = await startFrontDoor((request, response) => (request.bytes.includes('"stream":true') ? answerEvents(messageEvents([text('x')])) : answerJson(messageJson([])))(request, response));
    for (const stream of [false, true]) {
      const response = await door.post({ model: MODEL, messages: [USER], seed: 1, logit_bias: { 1: 1 }, stream });
      expect(response.headers.get('x-penstock-ignored-params')).toBe('seed, logit_bias');
    }
    expect((await door.post({ model: MODEL, messages: [USER] })).headers.get('x-penstock-ignored-params')).toBeNull();
  });
});

describe('reports about what comes back', () => {
  // litellm#5364 #7790 · browser-use PR#4294 #5053 #5459 · any-llm#622 · KryptSec/oasis#44 · Portkey PR#497
  it('cache tokens: are in prompt_tokens and cached_tokens, streamed or not, and the total is the sum', async () => {
    const usage = { input_tokens: 3, cache_read_input_tokens: 40, cache_creation_input_tokens: 500, output_tokens: 6 };
    const expected = { prompt_tokens: 543, completion_tokens: 6, total_tokens: 549, prompt_tokens_details: { cached_tokens: 40 } };
    await using door = await startFrontDoor((request, response) => (request.bytes.includes('"stream":true') ? answerEvents(messageEvents([text('x')], { usage })) : answerJson(messageJson([], { usage })))(request, response));
    expect(await (await door.post({ model: MODEL, messages: [USER] })).json()).toMatchObject({ usage: expected });
    const streamed = await (await door.post({ model: MODEL, messages: [USER], stream: true, stream_options: { include_usage: true } })).text();
    expect(JSON.parse(/data: (\{[^\n]*"choices":\[\],[^\n]*)\n\ndata: \[DONE\]/.exec(streamed)?.[1] ?? '{}')).toMatchObject({ usage: expected });
  });

  // theopenco/llmgateway PR#3254 PR#2067 · grafana/ai-sdk#29 · laravel/ai PR#881 · turnstone#1162 · agenc-core#2111
  it.each([
    ['end_turn', 'stop'], ['stop_sequence', 'stop'], ['tool_use', 'tool_calls'], ['max_tokens', 'length'], ['model_context_window_exceeded', 'length'], ['pause_turn', 'length'], ['refusal', 'content_filter'], ['reason_of_tomorrow', 'stop'],
  ])('stop reasons: %s is %s, streamed or not', async (stopReason, finish) => {
    await using door = await startFrontDoor((request, response) => (request.bytes.includes('"stream":true') ? answerEvents(messageEvents([text('x')], { stopReason })) : answerJson(messageJson([{ type: 'text', text: 'x' }], { stopReason })))(request, response));
    expect(await (await door.post({ model: MODEL, messages: [USER] })).json()).toMatchObject({ choices: [{ finish_reason: finish }] });
    expect(await (await door.post({ model: MODEL, messages: [USER], stream: true })).text()).toContain(`"finish_reason":"${finish}"`);
  });
});
