import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { SendToBackend } from '../../src/index.ts';
import type { Answer } from '../support/messages-upstream.ts';
import { answerJson } from '../support/messages-upstream.ts';
import { httpBackend } from '../support/http-backend.ts';
import { startMessagesUpstream } from '../support/messages-upstream.ts';
import { startFrontDoor } from '../support/start-front-door.ts';

const model = (id: string): object => ({ type: 'model', id, display_name: id.toUpperCase(), created_at: '2025-09-29T00:00:00Z' });
const converted = (id: string): object => ({ id, object: 'model', created: 1_759_104_000, owned_by: 'anthropic', display_name: id.toUpperCase() });

const paged: Answer = (request, response) => {
  const after = new URL(request.url, 'http://x').searchParams.get('after_id');
  const page = after === null ? { data: [model('claude-a'), model('other-b')], has_more: true, last_id: 'other-b' } : { data: [model('claude-c')], has_more: false, last_id: 'claude-c' };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(page));
};

async function listOf(baseURL: string): Promise<unknown> {
  return (await fetch(`${baseURL}/models`)).json();
}

describe('GET /v1/models', () => {
  it('follows every page, converts dates, and shows only models that the map sends there', async () => {
    await using door = await startFrontDoor(paged);
    expect(await listOf(door.baseURL)).toEqual({ object: 'list', data: [converted('claude-a'), converted('claude-c')] });
    expect(door.upstream.requests.map((request) => request.url)).toEqual(['/v1/models?limit=1000', '/v1/models?limit=1000&after_id=other-b']);
    expect(await door.settled()).toMatchObject({ route: '/v1/models', outcome: 'ok', status: 200 });
    expect('usageSource' in (door.summaries[0] ?? {})).toBe(false);
  });

  it('adds configured names, dated as the model they stand for', async () => {
    await using door = await startFrontDoor(paged, { models: [{ match: 'gpt-4', backend: 'anthropic', upstreamModel: 'claude-a' }, { match: 'fast', backend: 'anthropic', upstreamModel: 'claude-zzz' }, { match: 'claude-*', backend: 'anthropic' }] });
    expect(await listOf(door.baseURL)).toMatchObject({ data: [{ id: 'claude-a' }, { id: 'claude-c' }, { id: 'gpt-4', created: 1_759_104_000, owned_by: 'anthropic' }, { id: 'fast', created: 0 }] });
  });

  it('shows a client only what the application lets it see', async () => {
    await using door = await startFrontDoor(paged, { hooks: { isModelListed: (_ctx, id) => id === 'claude-c' } });
    expect(await listOf(door.baseURL)).toMatchObject({ data: [{ id: 'claude-c' }] });
    expect((await fetch(`${door.baseURL}/models/claude-a`)).status).toBe(404);
  });

  it('joins the lists of all backends, an OpenAI-compatible one\'s members unchanged', async () => {
    await using openai = await startMessagesUpstream(answerJson({ object: 'list', data: [{ id: 'gpt-9', object: 'model', created: 1, owned_by: 'o', extra: true }, { id: 'claude-x', object: 'model' }] }));
    const models = [{ match: 'claude-*', backend: 'anthropic' }, { match: '*', backend: 'local' }];
    await using anthropic = await startMessagesUpstream(paged);
    const backends = { anthropic: { kind: 'anthropic' as const, send: httpBackend(anthropic.origin) }, local: { kind: 'openai' as const, send: httpBackend(openai.origin, ['authorization', 'Bearer own']) } };
    await using door = await startFrontDoor(paged, { models, backends });
    expect(await listOf(door.baseURL)).toEqual({ object: 'list', data: [converted('claude-a'), converted('claude-c'), { id: 'gpt-9', object: 'model', created: 1, owned_by: 'o', extra: true }] });
    expect(openai.requests[0]?.headers.authorization).toBe('Bearer own');
  });

  it('has what the backends gave that answered, and names the others (one that is off must not hide all models)', async () => {
    await using anthropic = await startMessagesUpstream(paged);
    const refusing = async () => ({ status: 401, rawHeaders: ['content-type', 'application/json'], body: Readable.from([Buffer.from('{}')]) });
    const backends = { off: { kind: 'openai' as const, send: () => Promise.reject(Object.assign(new Error('x'), { code: 'unreachable' })) }, anthropic: { kind: 'anthropic' as const, send: httpBackend(anthropic.origin) }, refusing: { kind: 'openai' as const, send: refusing } };
    const models = [{ match: 'claude-*', backend: 'anthropic' }, { match: 'alias', backend: 'off' }, { match: 'r-*', backend: 'refusing' }];
    await using door = await startFrontDoor(paged, { models, backends });
    const response = await fetch(`${door.baseURL}/models`);
    expect([response.status, response.headers.get('x-penstock-missing-backends')]).toEqual([200, 'off, refusing']);
    // What the configuration names is there whether its backend is or not.
    expect(await response.json()).toEqual({ object: 'list', data: [converted('claude-a'), converted('claude-c'), { id: 'alias', object: 'model', created: 0, owned_by: 'off' }] });
    expect(await door.settled()).toMatchObject({ outcome: 'ok', missingBackends: ['off', 'refusing'] });
  });

  it('does not wait longer than its limit for a backend when another has answered, and cancels its request', async () => {
    const cancelled = Promise.withResolvers<void>();
    const silent: SendToBackend = (_request, signal) => new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        cancelled.resolve();
        reject(signal.reason as Error);
      });
    });
    await using anthropic = await startMessagesUpstream(paged);
    const backends = { silent: { kind: 'openai' as const, send: silent }, anthropic: { kind: 'anthropic' as const, send: httpBackend(anthropic.origin) } };
    await using door = await startFrontDoor(paged, { models: [{ match: 'claude-*', backend: 'anthropic' }, { match: '*', backend: 'silent' }], backends, limits: { modelsWaitMs: 20 } });
    expect((await fetch(`${door.baseURL}/models`)).headers.get('x-penstock-missing-backends')).toBe('silent');
    await cancelled.promise;
  });

  it('waits for the only backend as long as its clocks allow', async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    await using door = await startFrontDoor(async (request, response) => {
      asked.resolve();
      await answer.promise;
      void paged(request, response);
    }, { limits: { modelsWaitMs: 1, maxModelPages: 1 } });
    const response = fetch(`${door.baseURL}/models`);
    await asked.promise;
    // Later than the wait, whose timer was set before the request was sent.
    await new Promise((resolve) => { setTimeout(resolve, 5); });
    answer.resolve();
    expect(await (await response).json()).toMatchObject({ data: [{ id: 'claude-a' }] });
  });

  it('fails as the first backend failed when none answered', async () => {
    const backends = { off: { kind: 'openai' as const, send: () => Promise.reject(Object.assign(new Error('x'), { code: 'unreachable' })) }, other: { kind: 'openai' as const, send: () => Promise.reject(Object.assign(new Error('x'), { code: 'headers_timeout' })) } };
    await using door = await startFrontDoor(paged, { models: [{ match: '*', backend: 'off' }], backends });
    const response = await fetch(`${door.baseURL}/models`);
    expect([response.status, response.headers.get('x-penstock-error')]).toEqual([502, 'upstream_unreachable']);
  });

  it('fails as the upstream failed, whose words it hands on', async () => {
    await using door = await startFrontDoor(answerJson({ type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } }, 401));
    const response = await fetch(`${door.baseURL}/models`);
    expect([response.status, await response.json()]).toEqual([401, { error: { message: 'invalid x-api-key', type: 'authentication_error', param: null, code: 'authentication_error' } }]);
  });

  it('stops after a bounded number of pages', async () => {
    await using door = await startFrontDoor(answerJson({ data: [model('claude-a')], has_more: true, last_id: 'claude-a' }), { limits: { maxModelPages: 3 } });
    await listOf(door.baseURL);
    expect(door.upstream.requests).toHaveLength(3);
  });

  it('makes a page over its limit a 502 (parsed at once, it would hold the event loop)', async () => {
    const page = { data: [model('claude-a')], has_more: false, x: 'y'.repeat(1_000) };
    await using door = await startFrontDoor(answerJson(page), { limits: { maxModelPageBytes: 1_000 } });
    const response = await fetch(`${door.baseURL}/models`);
    expect([response.status, response.headers.get('x-penstock-error')]).toEqual([502, 'upstream_invalid']);
  });

  it.each([[10_000, 200], [10_001, 502]])('makes of %d models a %d (converted at once, more of them would hold the event loop)', async (count, status) => {
    const data = Array.from({ length: count }, () => ({ id: 'a' }));
    await using door = await startFrontDoor(answerJson({ data, has_more: false }), { models: [{ match: 'claude-*', backend: 'anthropic' }] });
    expect((await fetch(`${door.baseURL}/models`)).status).toBe(status);
  });

  it.each([[{}], [{ data: 'x' }], [{ data: [7] }], [[]]])('makes an unreadable list %j a 502', async (value) => {
    await using door = await startFrontDoor(answerJson(value));
    expect((await fetch(`${door.baseURL}/models`)).status).toBe(502);
  });
});

describe('GET /v1/models/{id}', () => {
  const one: Answer = (request, response) => {
    const id = decodeURIComponent(request.url.slice('/v1/models/'.length));
    const known = id.startsWith('claude-a');
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json', 'request-id': 'req_1' }).end(JSON.stringify(known ? model(id) : { type: 'error', error: { type: 'not_found_error', message: `model: ${id}` } }));
  };

  it('answers under the name the client used, aliases with a slash included', async () => {
    await using door = await startFrontDoor(one, { models: [{ match: 'anthropic/claude-a', backend: 'anthropic', upstreamModel: 'claude-a' }, { match: 'claude-*', backend: 'anthropic' }] });
    expect(await (await fetch(`${door.baseURL}/models/claude-a`)).json()).toEqual(converted('claude-a'));
    expect(await (await fetch(`${door.baseURL}/models/anthropic%2Fclaude-a`)).json()).toEqual({ ...converted('claude-a'), id: 'anthropic/claude-a' });
    expect(door.upstream.requests.map((request) => request.url)).toEqual(['/v1/models/claude-a', '/v1/models/claude-a']);
    expect((await door.settled()).route).toBe('/v1/models/{id}');
  });

  it('keeps the upstream\'s 404, and knows its own', async () => {
    await using door = await startFrontDoor(one);
    expect(await (await fetch(`${door.baseURL}/models/claude-nope`)).json()).toMatchObject({ error: { code: 'not_found_error' } });
    expect(await (await fetch(`${door.baseURL}/models/gpt-4`)).json()).toMatchObject({ error: { code: 'model_not_found', param: 'model' } });
  });

  it.each(['claude-x%2F..%2F..%2Forganizations', 'claude-..%2f%2fx', 'claude-%252e%252e', 'claude-x%5c..%5cy', 'claude-%zz', 'claude-a%2Fb'])('never calls the upstream for %s (another path would be reached with our credential)', async (id) => {
    await using door = await startFrontDoor(one);
    expect((await fetch(`${door.baseURL}/models/${id}`)).status).toBe(404);
    expect(door.upstream.requests).toEqual([]);
  });
});

describe('the bounds of models', () => {
  const bounded = { ...model('claude-opus-5-5'), max_input_tokens: 200_000, max_tokens: 128_000 };
  const BOUNDS = { context_window: 200_000, max_input_tokens: 200_000, max_output_tokens: 128_000 };
  const MODELS = [{ match: 'opus', backend: 'anthropic', upstreamModel: 'claude-opus-5-5' }, { match: 'claude-*', backend: 'anthropic' }];

  it('are passed on by the names that clients read, for configured names as well', async () => {
    await using door = await startFrontDoor(answerJson({ data: [bounded, model('claude-x')], has_more: false }), { models: MODELS });
    expect(await listOf(door.baseURL)).toEqual({ object: 'list', data: [{ ...converted('claude-opus-5-5'), ...BOUNDS }, converted('claude-x'), { id: 'opus', object: 'model', created: 1_759_104_000, owned_by: 'anthropic', ...BOUNDS }] });
  });

  it('stand in Codex\'s catalogue, with the operator\'s instructions, where Codex asks for it', async () => {
    await using door = await startFrontDoor(answerJson({ data: [bounded, model('claude-x')], has_more: false }), { models: MODELS, codexInstructions: 'You write code.' });
    const { data, models } = await (await fetch(`${door.baseURL}/models?client_version=0.171.0`)).json() as { data: unknown[]; models: Record<string, unknown>[] };
    expect(data).toHaveLength(3);
    expect(models.map(({ slug, context_window: window, base_instructions: instructions, priority }) => [slug, window, instructions, priority])).toEqual([['claude-opus-5-5', 200_000, 'You write code.', 0], ['claude-x', undefined, 'You write code.', 1], ['opus', 200_000, 'You write code.', 2]]);
    // Codex refuses the whole catalogue where one of these is missing.
    const required = ['slug', 'display_name', 'supported_reasoning_levels', 'shell_type', 'visibility', 'supported_in_api', 'priority', 'base_instructions', 'support_verbosity', 'truncation_policy', 'experimental_supported_tools'];
    for (const entry of models) expect(Object.keys(entry)).toEqual(expect.arrayContaining(required));
    expect(models[0]?.['supported_reasoning_levels']).toMatchObject([{ effort: 'low' }, { effort: 'medium' }, { effort: 'high' }, { effort: 'xhigh' }, { effort: 'max' }]);
  });

  it('are in no catalogue for other clients, or without instructions', async () => {
    await using silent = await startFrontDoor(answerJson({ data: [bounded], has_more: false }));
    await using door = await startFrontDoor(answerJson({ data: [bounded], has_more: false }), { codexInstructions: 'You write code.' });
    for (const [baseURL, query] of [[silent.baseURL, '?client_version=1'], [door.baseURL, '']]) expect(await (await fetch(`${baseURL ?? ''}/models${query ?? ''}`)).json()).not.toHaveProperty('models');
  });
});
