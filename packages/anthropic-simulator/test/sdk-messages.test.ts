import Anthropic from '@anthropic-ai/sdk';
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

describe('the official SDK against the simulator', () => {
  it('gets the same message from create() and from stream().finalMessage() (one plan, two renderings)', async () => {
    const whole = await client.messages.create({ ...hello, model: 'sim-text' });
    const streamed = await client.messages.stream({ ...hello, model: 'sim-text' }).finalMessage();
    expect(whole.content[0]?.type).toBe('text');
    expect(streamed.stop_reason).toBe('end_turn');
    expect(streamed.usage.input_tokens).toBe(whole.usage.input_tokens);
  });

  it('counts as many tokens as the message then uses', async () => {
    const counted = await client.messages.countTokens({ model: 'sim-text', messages: hello.messages });
    const message = await client.messages.create({ ...hello, model: 'sim-text' });
    expect(counted.input_tokens).toBe(message.usage.input_tokens);
  });

  it('pages through all models', async () => {
    const ids: string[] = [];
    for await (const model of client.models.list({ limit: 3 })) ids.push(model.id);
    expect(ids.length).toBeGreaterThan(12);
    expect(new Set(ids).size).toBe(ids.length);
    expect((await client.models.retrieve('claude-opus-5')).display_name).toBe('Claude Opus 5');
  });
});
