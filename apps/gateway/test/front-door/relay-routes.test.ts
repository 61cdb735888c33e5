import { openRawConnection, sendRawRequest, statusOf } from '@penstock/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TestGateway } from '../start-test-gateway.ts';
import { ask, client, keyOf, openAiBackend, startOrigin, startRelayGateway, type Origin } from './relay-world.ts';

let origin: Origin;
let shared: TestGateway;

beforeAll(async () => {
  origin = await startOrigin();
  shared = await startRelayGateway({ backends: [openAiBackend(origin)] }, [
    client('plain'), client('restricted', { models: ['small', 'text-*'] }), client('filer', { routes: ['front_door', 'front_door_files'] }),
    client('keeper', { routes: ['front_door', 'front_door_state'] }), client('native', { routes: ['messages'] }), client('batcher', { routes: ['front_door_batches'] }),
    client('everything', { models: ['small'], routes: ['front_door', 'front_door_files', 'front_door_batches', 'front_door_state'] }),
  ]);
});
afterAll(async () => {
  await shared.close();
  await origin[Symbol.asyncDispose]();
});
beforeEach(() => { (origin.seen as unknown[]).length = 0; });

const statusFor = async (name: string, method: string, path: string, body?: string): Promise<number> => (await ask(shared, method, path, { name, ...(body === undefined ? {} : { body }) })).status;

/** Requests that each reach something which one client made and another could see, or the operator's account. */
const KEPT: readonly { readonly group: string; readonly method: string; readonly path: string; readonly body?: string }[] = ([
  ['front_door_files', 'GET', '/v1/files'], ['front_door_files', 'GET', '/v1/files/file-1/content'], ['front_door_files', 'DELETE', '/v1/files/file-1'], ['front_door_files', 'POST', '/v1/uploads', '{}'],
  ['front_door_batches', 'POST', '/v1/batches', '{"input_file_id":"f"}'], ['front_door_batches', 'GET', '/v1/batches/b'], ['front_door_batches', 'POST', '/v1/batches/b/cancel', '{}'],
  ['front_door_state', 'GET', '/v1/responses/resp_1'], ['front_door_state', 'DELETE', '/v1/responses/resp_1'], ['front_door_state', 'POST', '/v1/responses/resp_1/cancel', '{}'],
  ['front_door_state', 'GET', '/v1/chat/completions'], ['front_door_state', 'DELETE', '/v1/chat/completions/c'], ['front_door_state', 'POST', '/v1/threads/runs', '{"model":"small"}'],
  ['front_door_state', 'POST', '/v1/conversations', '{}'], ['front_door_state', 'GET', '/v1/vector_stores/v/files'], ['front_door_state', 'POST', '/v1/videos', '{"model":"small"}'],
] as const).map(([group, method, path, body]) => ({ group, method, path, ...(body === undefined ? {} : { body }) }));

describe('routes of an OpenAI-compatible origin', () => {
  test.each(KEPT)('$group: $method $path is closed to a client that shares the origin and whose routes do not name it', async ({ method, path, body }) => {
    expect(await statusFor('plain', method, path, body)).toBe(403);
    expect(origin.seen).toEqual([]);
  });

  test.each(KEPT)('$group: $method $path is open to the only client', async ({ method, path, body }) => {
    await using single = await startRelayGateway({ backends: [openAiBackend(origin)] }, [client('plain')]);
    expect((await ask(single, method, path, { name: 'plain', ...(body === undefined ? {} : { body }) })).status).toBe(200);
    expect(origin.asked()).toEqual([`${method} ${path}`]);
  });

  test('are open where routes name their group, and no other group is', async () => {
    expect([await statusFor('filer', 'GET', '/v1/files/f/content'), await statusFor('filer', 'GET', '/v1/responses/r'), await statusFor('filer', 'GET', '/v1/batches')]).toEqual([200, 403, 403]);
    expect([await statusFor('keeper', 'GET', '/v1/responses/r'), await statusFor('keeper', 'GET', '/v1/files')]).toEqual([200, 403]);
    expect([await statusFor('batcher', 'GET', '/v1/batches'), await statusFor('batcher', 'GET', '/v1/models'), await statusFor('batcher', 'POST', '/v1/embeddings', '{"model":"x"}')]).toEqual([200, 403, 403]);
    expect([await statusFor('native', 'GET', '/v1/models'), await statusFor('native', 'GET', '/v1/nothing')]).toEqual([403, 403]);
  });

  test.each(['completions', 'embeddings', 'responses', 'moderations', 'audio/speech', 'images/generations', 'chat/completions'])('stateless routes are open to every client: %s', async (path) => {
    expect(await statusFor('plain', 'POST', `/v1/${path}`, '{"model":"x"}')).toBe(200);
    expect(origin.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer sk-operator-key-of-the-origin']);
  });

  test.each([
    ['POST', '/v1/organization/admin_api_keys'], ['GET', '/v1/organization/users'], ['POST', '/v1/fine_tuning/jobs'], ['POST', '/v1/projects'], ['POST', '/v1/realtime/client_secrets'],
    ['POST', '/v1/realtime/sessions'], ['POST', '/v1/chatkit/sessions'], ['DELETE', '/v1/models/ft:mine'], ['POST', '/v1/keys'], ['GET', '/v1/anything'], ['POST', '/v1/engines/big/completions'],
    ['POST', '/v1/Files'], ['GET', '/v1/organization'], ['GET', '/v1/files%5Fx'], ['GET', '/v1'],
  ])('administrative and unknown routes are never open by default: %s %s', async (method, path) => {
    await using alone = await startRelayGateway({ backends: [openAiBackend(origin)] });
    const body = method === 'POST' ? { body: '{"model":"small"}' } : {};
    expect([400, 404, 405]).toContain((await ask(alone, method, path, body)).status);
    expect(origin.seen).toEqual([]);
  });

  test('routes that are configured by name are open: administration and unknown paths, but no known path by another spelling', async () => {
    await using open = await startRelayGateway({ backends: [openAiBackend(origin)], route_groups: ['front_door', 'front_door_admin', 'front_door_unknown'] });
    const statuses = await Promise.all((['/v1/organization/users', '/v1/rerank', '/v1/files', '/v1/FILES', '/v1/Chat/Completions', '/v1/Embeddings', '/v1/responses/r'] as const).map(async (path) => (await ask(open, 'GET', path)).status));
    expect(statuses).toEqual([200, 200, 404, 404, 404, 404, 404]);
    expect(origin.asked().toSorted()).toEqual(['GET /v1/organization/users', 'GET /v1/rerank']);
  });

  test('name the setting when they are switched off', async () => {
    await using closed = await startRelayGateway({ backends: [openAiBackend(origin)], route_groups: ['front_door'] });
    const response = await ask(closed, 'GET', '/v1/files');
    expect([response.status, await response.json()]).toEqual([404, { error: {
      message: 'Unknown request URL: GET /v1/files. These routes are switched off here: add "front_door_files" to openai_front_door.route_groups to switch them on.', type: 'not_found_error', param: null, code: 'not_found',
    } }]);
  });

  test.each(['PROPFIND', 'LOCK', 'PURGE', 'QUERY', 'OPTIONS', 'TRACE', 'PUT', 'PATCH', 'HEAD'])('take a closed list of methods, and %s is in none', async (method) => {
    await using alone = await startRelayGateway({ backends: [openAiBackend(origin)] });
    for (const path of ['/v1/chat/completions', '/v1/models', '/v1/models/x', '/v1/embeddings', '/v1/files', '/v1/files/f']) {
      const response = await sendRawRequest(alone.port, `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`, { toHead: method === 'HEAD' });
      expect(statusOf(response)).toBe(405);
    }
    expect(origin.seen).toEqual([]);
  });
});

describe('models of a client that may use some', () => {
  const CHAT = '/v1/chat/completions';

  test.each([
    [CHAT, '{"model":"big"}'], [CHAT, '{"model":"small","Model":"big"}'], [CHAT, '{"model":"small","MODEL":"big"}'], [CHAT, '{"model":"small","mod\\u0065L":"big"}'], [CHAT, '{"model":"small","models":["big"]}'],
    [CHAT, '{"model":"small","fallbacks":["big"]}'], [CHAT, '{"model":"small","fallbacks":[{"small":["big"]}]}'], [CHAT, '{"model":"small","extra_body":{"model":"big"}}'],
    ['/v1/responses', '{"model":"small","tools":[{"type":"image_generation","model":"big"}]}'], ['/v1/responses', '{"model":"small","tools":[{"model":"small","model":"big"}]}'],
    ['/v1/embeddings', '{"model":"big"}'], ['/v1/embeddings', '{"input":"x"}'], [`${CHAT}?model=big`, '{"model":"small"}'], [`/v1/embeddings?Model=big`, '{"model":"small"}'],
    ['/v1/engines/big/completions', '{"model":"small"}'], ['/v1/batches', '{"model":"small","input_file_id":"f"}'], ['/v1/threads/runs', '{"model":"small"}'], ['/v1/files', '{"model":"big"}'],
  ])('hold for %s %s', async (path, body) => {
    for (const name of ['restricted', 'everything']) {
      const status = await statusFor(name, 'POST', path, body);
      expect([400, 403, 404]).toContain(status);
    }
    expect(origin.seen).toEqual([]);
  });

  test('hold for forms, whose later parts are not read', async () => {
    const form = new FormData();
    form.set('model', 'small');
    const response = await fetch(`${shared.origin}/v1/audio/transcriptions`, { method: 'POST', body: form, headers: { authorization: `Bearer ${keyOf('restricted')}` } });
    expect([response.status, origin.seen]).toEqual([400, []]);
  });

  test.each([
    [CHAT, '{"model":"small"}'], [CHAT, '{"model":"text-1","models":["small"],"metadata":{"model":"noted"}}'], ['/v1/responses', '{"model":"small","tools":[{"type":"function","parameters":{"properties":{"model":{"type":"string"}}}}]}'],
    ['/v1/embeddings?user=a', '{"model":"text-embed"}'],
  ])('let pass what names no other: %s %s', async (path, body) => {
    expect(await statusFor('restricted', 'POST', path, body)).toBe(200);
    expect(origin.seen.map((request) => request.body)).toEqual([body]);
  });

  test('do not stand in the way of what has no model', async () => {
    expect([await statusFor('everything', 'GET', '/v1/files'), await statusFor('everything', 'DELETE', '/v1/files/f'), await statusFor('everything', 'GET', '/v1/responses/r')]).toEqual([200, 200, 403]);
  });
});

describe('what one client made, named in the request of another', () => {
  test.each([
    ['/v1/responses', '{"model":"small","previous_response_id":"resp_of_another"}', 'keeper'], ['/v1/responses', '{"model":"small","conversation":{"id":"conv_of_another"}}', 'keeper'],
    ['/v1/responses', '{"model":"small","previous_response_id":null,"previous_response_id":"resp_of_another"}', 'keeper'], ['/v1/responses', '{"model":"small","input":[{"type":"item_reference","id":"m"}]}', 'keeper'],
    ['/v1/responses', '{"model":"small","input":[{"content":[{"type":"input_file","file_id":"file_of_another"}]}]}', 'filer'], ['/v1/chat/completions', '{"model":"small","messages":[{"content":[{"type":"file","file":{"file_id":"f"}}]}]}', 'filer'],
  ])('is as closed as its routes: %s %s is for %s', async (path, body, name) => {
    expect(await statusFor('plain', 'POST', path, body)).toBe(403);
    expect(origin.seen).toEqual([]);
    expect(await statusFor(name, 'POST', path, body)).toBe(200);
  });
});

describe('a request that no side knows', () => {
  test.each(['/V1/x', '/V1', '/V1/models', '/V1/chat/completions', '/ANTHROPIC/v1/messages', '/Anthropic', '/v1x', '/v2/models'])('%s is answered with 404, and its connection is kept', async (path) => {
    const connection = await openRawConnection(shared.port);
    for (let round = 0; round < 2; round += 1) {
      connection.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${keyOf('plain')}\r\n\r\n`);
      const message = await connection.readMessage({ kind: 'response' });
      // In the shape of neither side: no side has taken it for its own.
      expect([statusOf(message), JSON.parse(message.body.toString())]).toEqual([404, { error: { message: 'Not found: this gateway serves /anthropic and /v1.' } }]);
    }
    connection.close();
  });
});
