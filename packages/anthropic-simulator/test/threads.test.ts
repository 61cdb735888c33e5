import Anthropic from '@anthropic-ai/sdk';
import { statusOf } from '@penstock/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulator, type Simulator } from '../src/index.ts';
import { ask, jsonOf } from './fixture.ts';

const BETA = { 'anthropic-beta': 'message-threads-2026-08-12' };
const base = { model: 'claude-haiku-4-5', max_tokens: 500 };
const user = (content: unknown): object => ({ role: 'user', content });
const weather = { name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } };

let simulator: Simulator;
beforeAll(async () => { simulator = await startSimulator(); });
beforeEach(() => { simulator.clearRequests(); });
afterAll(() => simulator.close());

const send = async (body: object, headers: Readonly<Record<string, string>> = BETA): ReturnType<typeof ask> => await ask(simulator, '/v1/messages', { ...base, ...body }, headers);
const idOf = (answer: Awaited<ReturnType<typeof ask>>): string => String(jsonOf(answer)['id']);
const next = (id: string, messages: readonly object[], more: object = {}): object => ({ thread: { type: 'continue', previous_message_id: id }, messages, ...more });

describe('message threads', () => {
  it('a reply is continued with the new messages alone: the API has the rest', async () => {
    simulator.reply('Two.').reply('Four.');
    const first = await send({ thread: { type: 'create' }, system: 'Count.', messages: [user('One and one?')] });
    const second = await send(next(idOf(first), [user('Two and two?')]));
    expect(jsonOf(second)).toMatchObject({ content: [{ text: 'Four.' }] });
    const counted = jsonOf(await ask(simulator, '/v1/messages/count_tokens', { model: base.model, system: 'Count.', messages: [user('One and one?'), { role: 'assistant', content: 'Two.' }, user('Two and two?')] }));
    expect((jsonOf(second)['usage'] as { input_tokens: number }).input_tokens).toBe(counted['input_tokens']);
  });

  it('a tool call of the reply is known, so that its result alone may come', async () => {
    simulator.reply({ toolUse: { name: 'weather', input: { city: 'Paris' } } });
    const first = await send({ thread: { type: 'create' }, tools: [weather], messages: [user('Weather?')] });
    const [call] = jsonOf(first)['content'] as { id: string }[];
    expect(statusOf(await send(next(idOf(first), [user([{ type: 'tool_result', tool_use_id: call?.id, content: 'sunny' }])])))).toBe(200);
  });

  it.each<[string, () => Promise<object>, number, unknown]>([
    ['an unknown message', async () => await Promise.resolve(next('msg_01unknown', [user('x')])), 404, 'thread_not_found'],
    ['a message that was continued before', async () => {
      const id = idOf(await send({ thread: { type: 'create' }, messages: [user('again')] }));
      await send(next(id, [user('once')]));
      return next(id, [user('twice')]);
    }, 409, 'thread_already_continued'],
    ['tools that come again', async () => next(idOf(await send({ thread: { type: 'create' }, messages: [user('tools')] })), [user('x')], { tools: [weather] }), 400, undefined],
    ['a reply without a thread', async () => next(idOf(await send({ messages: [user('none')] })), [user('x')]), 404, 'thread_not_found'],
    ['a type that does not exist', async () => await Promise.resolve({ thread: { type: 'join' }, messages: [user('x')] }), 400, undefined],
  ])('%s is refused', async (_what, body, status, code) => {
    const answer = await send(await body());
    expect(statusOf(answer)).toBe(status);
    expect((jsonOf(answer)['error'] as { details?: { error_code?: string } }).details?.error_code).toBe(code);
  });

  it('needs its beta', async () => {
    expect(statusOf(await send({ thread: { type: 'create' }, messages: [user('x')] }, {}))).toBe(400);
  });

  it('the tool runner of the official SDK creates a thread, and continues it with the results alone', async () => {
    const client = new Anthropic({ apiKey: 'k', baseURL: simulator.origin, maxRetries: 0 });
    simulator.reply({ toolUse: { name: 'weather', input: { city: 'Paris' } } }).reply('Sunny.');
    const tool = { ...weather, type: 'custom', input_schema: { type: 'object' as const }, run: () => 'sunny', parse: (input: unknown) => input } as const;
    const thread = client.beta.messages.thread({ ...base, tools: [tool], messages: [{ role: 'user', content: 'Weather?' }] });
    expect(await thread.toolRunner().runUntilDone()).toMatchObject({ content: [{ type: 'text', text: 'Sunny.' }] });
    const sent = simulator.requests.map(({ json }) => json as { thread?: { type: string }; messages: unknown[] });
    expect(sent.map(({ thread: field, messages }) => [field?.type, messages.length])).toEqual([['create', 1], ['continue', 1]]);
  });
});
