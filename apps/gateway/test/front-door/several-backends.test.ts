import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { backendSettings } from '../../src/front-door/backend-settings.ts';
import type { TestGateway } from '../start-test-gateway.ts';
import { ask, client, keyOf, openAiBackend, startOrigin, startRelayGateway, type Answering, type Origin } from './relay-world.ts';

let local: Origin;
let audio: Origin;
let gateway: TestGateway;

const list = (...ids: string[]): string => JSON.stringify({ object: 'list', data: ids.map((id) => ({ id, object: 'model', created: 1, owned_by: 'x' })) });
const MODELS = [{ model: 'whisper-*', backend: 'audio' }, { model: 'claude-*', backend: 'claude' }, { model: '*', backend: 'local' }];
const CLAUDE = { name: 'claude', kind: 'anthropic', base_url: 'http://127.0.0.1:1', api_key: 'k' };

beforeAll(async () => {
  local = await startOrigin((_request, response) => { response.writeHead(200, { 'content-type': 'application/json' }).end(list('local-1')); });
  audio = await startOrigin((_request, response) => { response.writeHead(200, { 'content-type': 'application/json' }).end(list('whisper-1')); });
  gateway = await startRelayGateway({ backends: [CLAUDE, openAiBackend(local, 'local'), openAiBackend(audio, 'audio')], models: MODELS }, [client('one')]);
});
afterAll(async () => {
  await gateway.close();
  await local[Symbol.asyncDispose]();
  await audio[Symbol.asyncDispose]();
});

function upload(parts: readonly (readonly [name: string, value: string | Blob])[]): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of parts) form.append(name, value);
  return fetch(`${gateway.origin}/v1/audio/transcriptions`, { method: 'POST', body: form, headers: { authorization: `Bearer ${keyOf('one')}` } });
}

describe('the model of a form', () => {
  const FILE = ['file', new Blob(['RIFF'.repeat(50_000)])] as const;

  test('chooses the backend by the map, and every byte arrives there', async () => {
    expect((await upload([['model', 'whisper-1'], FILE])).status).toBe(200);
    const [seen] = audio.seen.slice(-1);
    expect([seen?.path, seen?.body.includes('whisper-1'), (seen?.body.match(/RIFF/g) ?? []).length, local.seen.length]).toEqual(['/v1/audio/transcriptions', true, 50_000, 0]);
    expect((await upload([['model', 'other'], FILE])).status).toBe(200);
    expect(local.asked()).toEqual(['POST /v1/audio/transcriptions']);
  });

  test.each([
    ['is refused when it stands behind the file', [FILE, ['model', 'whisper-1']], 400, 'model'], ['is refused when it is absent', [['language', 'en'], FILE], 400, 'model'],
    ['is not found where its backend only translates', [['model', 'claude-x'], FILE], 404, null],
  ] as const)('%s (it would go to a provider that the map does not name)', async (_what, parts, status, param) => {
    const before = [local.seen.length, audio.seen.length];
    const response = await upload(parts);
    expect([response.status, ((await response.json()) as { error: { param: string | null } }).error.param]).toEqual([status, param]);
    expect([local.seen.length, audio.seen.length]).toEqual(before);
  });
});

describe('the list of models', () => {
  test('has those of the backends that answered, and names the others in a field and in the log (a local server that is off hides nothing)', async () => {
    const recorded = gateway.logged.filter(({ msg }) => msg === 'request').length;
    const response = await ask(gateway, 'GET', '/v1/models', { name: 'one' });
    expect([response.status, response.headers.get('x-penstock-missing-backends')]).toEqual([200, 'claude']);
    expect(await response.json()).toMatchObject({ data: [{ id: 'local-1' }, { id: 'whisper-1' }] });
    const entries = await gateway.recorded(recorded + 1);
    expect(entries.at(-1)).toMatchObject({ route: '/v1/models', outcome: 'ok', missing_backends: ['claude'] });
  });

  test('waits three seconds for a backend that is silent, and ends its request', async () => {
    const silent = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      await connection.closed();
    });
    await using slow = await startRelayGateway({ backends: [openAiBackend(local, 'local'), { ...openAiBackend({ baseUrl: `${silent.origin}/v1` }, 'slow') }], models: [{ model: 'local-*', backend: 'local' }, { model: '*', backend: 'slow' }] });
    const startedAt = performance.now();
    const response = await ask(slow, 'GET', '/v1/models');
    expect([response.status, response.headers.get('x-penstock-missing-backends')]).toEqual([200, 'slow']);
    expect(performance.now() - startedAt).toBeGreaterThan(2_900);
    await silent.connections[0]?.closed();
    await silent.close();
  });

  test('is an error only when no backend answered', async () => {
    await using dead = await startRelayGateway({ backends: [CLAUDE, openAiBackend({ baseUrl: 'http://127.0.0.1:1/v1' })], models: [{ model: '*', backend: 'other' }] });
    const response = await ask(dead, 'GET', '/v1/models');
    expect([response.status, response.headers.get('x-penstock-error'), response.headers.get('x-penstock-missing-backends')]).toEqual([502, 'upstream_unreachable', null]);
  });
});

describe('the longest silence of an answer', () => {
  const idleOf = (kind: 'anthropic' | 'openai', timeouts: Record<string, number> = {}): number | undefined =>
    backendSettings(kind, gatewayConfigSchema.parse({ openai_front_door: { timeouts } }).openai_front_door).timeouts.idleMs;

  test('may be as long as that before its head, where the origin sends no pings', () => {
    expect([idleOf('anthropic'), idleOf('openai')]).toEqual([120_000, 300_000]);
    expect([idleOf('openai', { openai_idle: 60 }), idleOf('anthropic', { openai_idle: 60 }), idleOf('openai', { idle: 500 }), idleOf('openai', { stream_headers: 200 })]).toEqual([60_000, 120_000, 500_000, 200_000]);
  });

  test('idle timeout: a relayed stream may stay silent longer than a translated one', async () => {
    const goOn = Promise.withResolvers<void>();
    const stream = (begun: string): Answering => async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(begun);
      await goOn.promise;
      response.end('data: [DONE]\n\n');
    };
    await using quiet = await startOrigin(stream('data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n'));
    await using claude = await startOrigin(stream('event: message_start\ndata: {"type":"message_start","message":{"id":"m","model":"m","usage":{}}}\n\n'));
    await using mixed = await startRelayGateway({
      timeouts: { idle: 0.2, stream_headers: 30 }, backends: [{ ...CLAUDE, base_url: claude.baseUrl.replace('/v1', '') }, openAiBackend(quiet, 'quiet')],
      models: [{ model: 'claude-*', backend: 'claude' }, { model: '*', backend: 'quiet' }],
    });
    const chat = (model: string): Promise<Response> => ask(mixed, 'POST', '/v1/chat/completions', { body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'x' }] }) });
    const relayed = await chat('local');
    // This one is silent later than the other and ends first, by its clock.
    expect(await (await chat('claude-x')).text()).toContain('upstream_timeout');
    goOn.resolve();
    expect(await relayed.text()).toMatch(/"assistant"[^]*data: \[DONE\]\n\n$/);
  });
});

test('without a backend of kind openai a 404 names what is served and what to set', async () => {
  const simple = await startScriptedUpstream(answerAlways(wholeResponse(200, [], '{}')));
  await using translating = await startRelayGateway({ backends: [{ ...CLAUDE, base_url: simple.origin }] });
  const reasons: readonly (readonly [path: string, reason: string, which: string])[] = [
    ['/v1/embeddings', 'Claude has no embeddings. ', 'this route needs'], ['/v1/audio/speech', 'Claude neither hears nor speaks. ', 'this route needs'], ['/v1/x', '', 'other routes of the OpenAI API need'],
  ];
  for (const [path, reason, which] of reasons) {
    const response = await ask(translating, 'POST', path, { body: '{"model":"claude-x"}' });
    expect([response.status, await response.json()]).toEqual([404, { error: {
      message: `Unknown request URL: POST ${path}. ${reason}POST /v1/chat/completions, POST /v1/responses, POST /v1/responses/input_tokens, GET /v1/models, GET /v1/models/{id} are served here; ${which} a backend of kind "openai" in openai_front_door.backends.`,
      type: 'not_found_error', param: null, code: 'not_found',
    } }]);
  }
  await simple.close();
});

test('a slash at the end of a known path is left out', async () => {
  const before = local.seen.length;
  for (const path of ['/v1/models/', '/v1/models/local-1/', '/v1/files/?limit=1', '/v1/files/f/content/']) expect((await ask(gateway, 'GET', path, { name: 'one' })).status).toBe(200);
  expect(local.asked().slice(before)).toEqual(['GET /v1/models', 'GET /v1/models/local-1', 'GET /v1/files?limit=1', 'GET /v1/files/f/content']);
});
