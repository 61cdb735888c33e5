import Anthropic from '@anthropic-ai/sdk';
import { fieldValues, statusOf } from '@penstock/test-support';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FAULT_NAMES, isSimulatorError, startSimulator, type NextAnswer, type Simulator } from '../src/index.ts';
import { FAULT_WORDS } from '../src/fault-options.ts';
import { ask, askModel, jsonOf, payloadsOf } from './fixture.ts';

let simulator: Simulator;
let client: Anthropic;
const hello = { model: 'claude-haiku-4-5', max_tokens: 1_000, messages: [{ role: 'user' as const, content: 'Hello' }] };

beforeAll(async () => {
  simulator = await startSimulator();
  client = new Anthropic({ apiKey: 'k', baseURL: simulator.origin, maxRetries: 0 });
});
afterEach(() => {
  simulator.clearAnswers();
  simulator.clearRequests();
});
afterAll(() => simulator.close());

describe('programmed answers', () => {
  it('are taken in their order, whatever model is asked, and then the scenario answers again', async () => {
    simulator.next({ status: 529 }).next({ status: 429, retryAfter: 3, message: 'slow down', errorCode: 'too_fast' }).reply('First.').reply('Second.');
    expect(simulator.pendingAnswers).toBe(4);
    const answers = [await askModel(simulator, 'sim-tool-use'), await askModel(simulator, 'x'), await askModel(simulator, 'sim-overloaded'.replace('overloaded', 'text')), await askModel(simulator, 'y', { stream: true })];
    expect(answers.map(statusOf)).toEqual([529, 429, 200, 200]);
    expect(jsonOf(answers[1]!)).toMatchObject({ error: { type: 'rate_limit_error', message: 'slow down', details: { error_code: 'too_fast' } } });
    expect(fieldValues(answers[1]!.rawHeaders, 'retry-after')).toEqual(['3']);
    expect(jsonOf(answers[2]!)).toMatchObject({ content: [{ type: 'text', text: 'First.' }], stop_reason: 'end_turn' });
    expect(payloadsOf(answers[3]!.body).flatMap(({ delta }) => (delta as { text?: string } | undefined)?.text ?? []).join('')).toBe('Second.');
    expect(simulator.pendingAnswers).toBe(0);
    expect(jsonOf(await askModel(simulator, 'sim-echo'))).toMatchObject({ content: [{ text: 'Hello, penstock' }] });
  });

  it('hold thinking, text and tool calls, the same whole and as a stream', async () => {
    const content = { thinking: 'Hm.', text: 'Let me look.', toolUse: [{ name: 'weather', input: { city: 'Paris' } }, { name: 'clock' }], outputTokens: 77 };
    const expected = [{ type: 'thinking', thinking: 'Hm.' }, { type: 'text', text: 'Let me look.' }, { type: 'tool_use', name: 'weather', input: { city: 'Paris' } }, { type: 'tool_use', name: 'clock', input: {} }];
    simulator.reply(content).reply(content);
    for (const message of [await client.messages.create(hello), await client.messages.stream(hello).finalMessage()]) {
      expect(message).toMatchObject({ content: expected, stop_reason: 'tool_use', usage: { output_tokens: 77 } });
    }
  });

  it('break as programmed, also with content of their own', async () => {
    simulator.fail({ cutAt: 40 }).reply('Whole.', { resetBeforeHead: true });
    expect((await askModel(simulator, 'sim-text', { stream: true })).complete).toBe(false);
    await expect(client.messages.create(hello)).rejects.toThrow('Connection error');
  });

  it('wait for the path that they are for', async () => {
    simulator.next({ path: '/v1/models', status: 503 });
    expect(statusOf(await askModel(simulator, 'sim-text'))).toBe(200);
    expect(statusOf(await ask(simulator, '/v1/models', undefined, {}, 'GET'))).toBe(503);
  });

  it('have an option for every fault', () => {
    expect(Object.values(FAULT_WORDS).toSorted()).toEqual([...FAULT_NAMES].toSorted());
  });

  it.each<[unknown, string, string]>([
    [{ stauts: 529 }, 'unknown_option', 'stauts is not an option; did you mean status?'], [{ cutAt: -1 }, 'invalid_option', 'cutAt has no usable value: received -1'],
    [{ status: 999 }, 'invalid_option', 'status has no usable value'],
  ])('%j is refused when it is programmed (a mistyped fault would never come)', (answer, code, message) => {
    let thrown: unknown;
    try {
      simulator.next(answer as NextAnswer);
    } catch (error) {
      thrown = error;
    }
    expect(isSimulatorError(thrown) && [thrown.code, thrown.message.startsWith(message)]).toEqual([code, true]);
    expect(simulator.pendingAnswers).toBe(0);
  });
});

describe('default faults', () => {
  it('are those of every request that has none of its own', async () => {
    await using broken = await startSimulator({ faults: { status: 529 } });
    expect(statusOf(await askModel(broken, 'sim-text'))).toBe(529);
    expect(statusOf(await askModel(broken, 'sim-text', {}, { 'anthropic-simulator': 'status=500' }))).toBe(500);
    broken.next({ status: 503 });
    expect(statusOf(await askModel(broken, 'sim-text'))).toBe(503);
    expect(statusOf(await ask(broken, '/api/hello', undefined, {}, 'HEAD'))).toBe(200);
  });

  it('come with each so many-th request', async () => {
    await using flaky = await startSimulator({ faults: { status: 529 }, faultEvery: 3 });
    const statuses: (number | undefined)[] = [];
    for (let index = 0; index < 6; index += 1) statuses.push(statusOf(await askModel(flaky, 'sim-text')));
    expect(statuses).toEqual([200, 200, 529, 200, 200, 529]);
  });
});

describe('recorded requests', () => {
  it('have their fields by name and their body as JSON', async () => {
    await client.messages.create(hello, { headers: { 'X-Mine': 'yes' } });
    expect(simulator.requests).toHaveLength(1);
    expect(simulator.requests[0]).toMatchObject({ path: '/v1/messages', headers: { 'x-mine': 'yes', 'content-type': 'application/json' }, json: { messages: [{ content: 'Hello' }] } });
    await ask(simulator, '/v1/messages', '{broken');
    expect(simulator.requests[1]?.json).toBeUndefined();
  });
});
