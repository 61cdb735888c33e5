import Anthropic, { NotFoundError } from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSimulator, type Simulator } from '../src/index.ts';

let simulator: Simulator;
let client: Anthropic;

beforeAll(async () => {
  simulator = await startSimulator();
  client = new Anthropic({ apiKey: 'test-key', baseURL: simulator.origin, maxRetries: 0 });
});

afterAll(async () => { await simulator.close(); });

const hello = { max_tokens: 1_000, messages: [{ role: 'user' as const, content: 'Hello' }] };
const weather = { name: 'weather', description: 'Tells the weather', input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] } };

describe('messages through the official SDK', () => {
  it('gets the same message from create() and from stream().finalMessage() (one plan, two renderings)', async () => {
    const whole = await client.messages.create({ ...hello, model: 'sim-text' });
    const streamed = await client.messages.stream({ ...hello, model: 'sim-text' }).finalMessage();
    expect(streamed.content).toEqual(whole.content);
    expect(streamed.stop_reason).toBe('end_turn');
    expect(streamed.usage.input_tokens).toBe(whole.usage.input_tokens);
    expect(whole._request_id).toMatch(/^req_011\w{21}$/);
  });

  it('sends the credential as a bearer, which is accepted without question', async () => {
    simulator.clearRequests();
    await client.messages.create({ ...hello, model: 'sim-text' });
    const [request] = simulator.requests;
    expect(request?.rawHeaders.join('\n')).toContain('Bearer test-key');
    expect(JSON.parse(request?.body.toString() ?? '')).toMatchObject({ model: 'sim-text' });
    expect(request).toMatchObject({ method: 'POST', path: '/v1/messages', isComplete: true });
  });

  it('iterates over a thinking answer, signature last', async () => {
    const types: string[] = [];
    for await (const event of await client.messages.create({ ...hello, model: 'sim-thinking', stream: true })) {
      types.push(event.type === 'content_block_delta' ? event.delta.type : event.type);
    }
    expect(types[0]).toBe('message_start');
    expect(types.indexOf('signature_delta')).toBeGreaterThan(types.indexOf('thinking_delta'));
    expect(types.at(-1)).toBe('message_stop');
  });

  it('runs a whole tool loop and it ends', async () => {
    const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'Weather in Paris?' }];
    let turns = 0;
    for (;;) {
      turns += 1;
      const answer = await client.messages.stream({ max_tokens: 1_000, model: 'sim-parallel-tools', tools: [weather], messages }).finalMessage();
      messages.push({ role: 'assistant', content: answer.content });
      if (answer.stop_reason !== 'tool_use') break;
      const uses = answer.content.filter((block) => block.type === 'tool_use');
      expect(uses).toHaveLength(2);
      messages.push({ role: 'user', content: uses.map((use) => ({ type: 'tool_result' as const, tool_use_id: use.id, content: 'sunny' })) });
    }
    expect(turns).toBe(2);
  });

  it('answers JSON that holds to the schema of output_config.format', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } }, required: ['city', 'days'], additionalProperties: false };
    const answer = await client.messages.create({ ...hello, model: 'sim-structured', output_config: { format: { type: 'json_schema', schema } } });
    const [block] = answer.content;
    const value: unknown = JSON.parse(block?.type === 'text' ? block.text : '');
    expect(value).toEqual({ city: expect.any(String), days: expect.any(Number) });
  });

  it.each(['sim-web-search', 'sim-citations', 'sim-code-execution', 'sim-redacted-thinking', 'sim-refusal', 'sim-pause-turn', 'sim-unknown-event', 'sim-all-blocks', 'sim-empty'])('assembles %s', async (model) => {
    const message = await client.messages.stream({ ...hello, model }).finalMessage();
    expect(message.stop_reason).not.toBeNull();
  });

  it('counts as many tokens as the message then uses', async () => {
    const question = { model: 'sim-text', messages: hello.messages, system: 'Be brief.', tools: [weather] };
    const counted = await client.messages.countTokens(question);
    const message = await client.messages.create({ ...question, max_tokens: 100 });
    expect(counted.input_tokens).toBe(message.usage.input_tokens);
    expect(counted.input_tokens).toBeGreaterThan(346);
  });

  it('pages through all models', async () => {
    const ids: string[] = [];
    for await (const model of client.models.list({ limit: 3 })) ids.push(model.id);
    expect(ids.length).toBeGreaterThan(12);
    expect(new Set(ids).size).toBe(ids.length);
    expect((await client.models.retrieve('claude-opus-5')).display_name).toBe('Claude Opus 5');
    await expect(client.models.retrieve('no-such-model')).rejects.toThrow(NotFoundError);
  });
});

describe('errors through the official SDK', () => {
  it.each([
    ['sim-overloaded', 529, 'overloaded_error'], ['sim-rate-limited', 429, 'rate_limit_error'], ['sim-error-500', 500, 'api_error'],
    ['sim-error-402', 402, 'billing_error'], ['sim-prompt-too-long', 400, 'invalid_request_error'],
  ])('%s is %i %s', async (model, status, type) => {
    await expect(client.messages.create({ ...hello, model })).rejects.toMatchObject({ status, type });
  });

  it('throws for an error event inside a 200, even as the first event', async () => {
    for (const model of ['sim-stream-error', 'sim-error-first']) {
      await expect(client.messages.stream({ ...hello, model }).finalMessage()).rejects.toMatchObject({ type: 'overloaded_error' });
    }
  });

  it('throws for a page of HTML', async () => {
    await expect(client.messages.create({ ...hello, model: 'sim-html-413' })).rejects.toMatchObject({ status: 413 });
  });
});
