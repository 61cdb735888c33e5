import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { FrontDoorError } from '../../src/index.ts';
import { BUILT_IN_MODEL_CAPABILITIES } from '../../src/models/built-in-capabilities.ts';
import type { ChatPlan } from '../../src/translation/chat-plan.ts';
import { createTranslator } from '../../src/translation/translator.ts';

const PLAN: ChatPlan = {
  models: [{ match: 'claude-*', backend: 'anthropic' }, { match: 'gpt-*', backend: 'openai' }], capabilities: BUILT_IN_MODEL_CAPABILITIES, maxOutputTokens: 8192,
  versions: { anthropic: '2023-06-01', openai: undefined }, laterSystemMessages: 'hoist', jsonObjectFormat: 'reject', reasoningContent: false, maxRequestValues: 500_000,
};
const ANSWER_PLAN = { maxValues: 1000, created: 1, wantsReasoning: false, usesLegacyFunctions: false };
const OPEN = new AbortController().signal;
const LIMITS = { maxInlineBytes: 1000, maxWaiting: 2 };

const chat = (content: unknown, model = 'claude-sonnet-4-5'): Buffer => Buffer.from(JSON.stringify({ model, seed: 1, messages: [{ role: 'user', content }] }));
const LARGE = 'Grüße 漢字 😀 '.repeat(20_000);

/** One for all tests: a thread takes a moment to start. */
const threaded = createTranslator(LIMITS);

/** Whether a promise is settled before the event loop takes another turn. */
async function isSettledAtOnce(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  void promise.finally(() => { isSettled = true; });
  for (let step = 0; step < 100; step += 1) await Promise.resolve();
  return isSettled;
}

describe('a large body', () => {
  it('a large body: is translated byte for byte like a small one (the thread makes no difference)', async () => {
    const inline = createTranslator({ ...LIMITS, maxInlineBytes: 10_000_000 });
    const readable = (read: object): object => Object.fromEntries(Object.entries(read).map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value).toString() : value]));
    for (const model of ['claude-sonnet-4-5', 'gpt-9']) {
      const [expected = {}, read = {}] = await Promise.all([inline, threaded].map((translator) => translator.run('chat', chat(LARGE, model), PLAN, OPEN)));
      expect(readable(read)).toEqual(readable(expected));
    }
    const answer = Buffer.from(JSON.stringify({ id: 'msg_1', type: 'message', model: 'm', stop_reason: 'end_turn', content: [{ type: 'text', text: LARGE }], usage: { input_tokens: 1, output_tokens: 2 } }));
    expect(readable(await threaded.run('answer', Buffer.from(answer), ANSWER_PLAN, OPEN))).toEqual(readable(await inline.run('answer', answer, ANSWER_PLAN, OPEN)));
  });

  it('is read while the event loop goes on, a small one at once', async () => {
    const large = threaded.run('chat', chat(LARGE), PLAN, OPEN);
    expect([await isSettledAtOnce(large), threaded.pending()]).toEqual([false, 1]);
    await large;
    expect(await isSettledAtOnce(threaded.run('chat', chat('Hello'), PLAN, OPEN))).toBe(true);
  });

  it('is refused with the error that a small one is refused with, and with the model that it names where there is one', async () => {
    const refusals: readonly (readonly [Buffer, object])[] = [
      [chat([{ type: 'text', text: LARGE }, { type: 'video' }]), { code: 'invalid_value', details: { status: 400, param: 'messages[0].content[1].type' } }],
      [chat(LARGE, 'mistral'), { code: 'model_not_found', details: { status: 404, param: 'model' } }],
    ];
    for (const [body, refusal] of refusals) expect(await threaded.run('chat', body, PLAN, OPEN)).toMatchObject({ kind: 'refused', model: expect.any(String), refusal });
    await expect(threaded.run('chat', chat(Array.from({ length: 2000 }, () => ({}))), { ...PLAN, maxRequestValues: 1000 }, OPEN)).rejects.toMatchObject({ name: 'FrontDoorError', status: 413, code: 'too_large' });
    await expect(threaded.run('relayed', Buffer.from(`{"a":"${LARGE}`), { maxValues: 1000 }, OPEN)).rejects.toMatchObject({ code: 'invalid_json' });
    const answer = (values: number): Buffer => Buffer.from(`{"id":"msg_1","type":"message","model":"m","stop_reason":"end_turn","content":[],"more":[${'{},'.repeat(values)}1]}`);
    await expect(threaded.run('answer', answer(2000), ANSWER_PLAN, OPEN)).rejects.toMatchObject({ status: 502, code: 'upstream_invalid' });
    expect(await threaded.run('answer', answer(2000), { ...ANSWER_PLAN, maxValues: 10_000 }, OPEN)).toMatchObject({ learned: { model: 'm' } });
  });

  it('a relayed large body: comes back unchanged, with its model', async () => {
    const body = Buffer.from(JSON.stringify({ model: 'gpt-9', stream: true, max_tokens: 7, input: LARGE }));
    const copy = Buffer.from(body);
    const { json, facts } = await threaded.run('relayed', body, { maxValues: 1000 }, OPEN);
    expect([Buffer.from(json).equals(copy), facts]).toEqual([true, { choices: 1, isBackground: false, model: 'gpt-9', stream: true, maxTokens: 7 }]);
  });

  it('waits for the one before, and one more than may wait is refused as overload (each holds its bytes)', async () => {
    const runs = Array.from({ length: 4 }, () => threaded.run('chat', chat(LARGE), PLAN, OPEN));
    expect(threaded.pending()).toBe(3);
    const ends = await Promise.allSettled(runs);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    expect(ends[3]).toMatchObject({ reason: { code: 'overloaded', status: 429, retryAfterSeconds: 1 } });
    expect(threaded.pending()).toBe(0);
    await threaded.run('chat', chat(LARGE), PLAN, OPEN);
  });

  it('a large body of a client that left: is given up, and its place released', async () => {
    const controller = new AbortController();
    const first = threaded.run('chat', chat(LARGE), PLAN, OPEN);
    const left = threaded.run('chat', chat(LARGE), PLAN, controller.signal);
    expect(threaded.pending()).toBe(2);
    const gone = new FrontDoorError('client_gone', 'gone');
    controller.abort(gone);
    await expect(left).rejects.toBe(gone);
    expect(threaded.pending()).toBe(1);
    await first;
    await expect(threaded.run('chat', chat(LARGE), PLAN, controller.signal)).rejects.toBe(gone);
  });

  it('leaves no listener on its signal behind', async () => {
    const { signal } = new AbortController();
    await threaded.run('chat', chat(LARGE), PLAN, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('a large body that needs more memory than its limit: is refused, and the next one is read (the process goes on)', async () => {
    const small = createTranslator({ ...LIMITS, maxHeapMib: 24 });
    const values = (count: number): Buffer => Buffer.from(`{"model":"gpt-9","x":[${'{"a":[]},'.repeat(count)}1]}`);
    await expect(small.run('relayed', values(400_000), { maxValues: 2_000_000 }, OPEN)).rejects.toMatchObject({ code: 'too_large', status: 413 });
    await expect(small.run('answer', values(400_000), { ...ANSWER_PLAN, maxValues: 2_000_000 }, OPEN)).rejects.toMatchObject({ code: 'upstream_invalid', status: 502 });
    expect(await small.run('relayed', values(1000), { maxValues: 10_000 }, OPEN)).toMatchObject({ facts: { model: 'gpt-9' } });
  });

  it('a large body that makes the thread fail: fails its own request alone', async () => {
    const broken = { ...PLAN, models: undefined } as unknown as ChatPlan;
    await expect(threaded.run('chat', chat(LARGE), broken, OPEN)).rejects.toThrow(TypeError);
    await threaded.run('chat', chat(LARGE), PLAN, OPEN);
  });
});
