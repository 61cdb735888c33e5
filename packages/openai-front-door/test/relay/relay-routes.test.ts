import { sendRawRequest } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { RELAY_GROUPS, RELAY_ROUTES, type RelayGroup } from '../../src/index.ts';
import { startFrontDoor } from '../support/start-front-door.ts';
import { answerJson, startMessagesUpstream } from '../support/messages-upstream.ts';
import { httpBackend } from '../support/http-backend.ts';

async function statusesOf(relayGroups: readonly RelayGroup[], requests: readonly (readonly [method: string, path: string])[]): Promise<readonly number[]> {
  await using origin = await startMessagesUpstream(answerJson({}));
  await using door = await startFrontDoor(answerJson({}), { backends: { openai: { kind: 'openai', send: httpBackend(origin.origin) } }, models: [{ match: '*', backend: 'openai' }], relayGroups });
  const statuses: number[] = [];
  for (const [method, path] of requests) statuses.push((await fetch(`${door.origin}${path}`, { method, ...method === 'POST' ? { body: '{}', headers: { 'content-type': 'application/json' } } : {} })).status);
  return statuses;
}

const exampleOf = (template: string): string => template.replaceAll(/\{\w+\}/g, 'id').replace('**', 'a/b');

describe('the table of routes', () => {
  it.each(RELAY_GROUPS)('opens with %s its own routes and no other', async (group) => {
    const requests = RELAY_ROUTES.flatMap((route) => route.methods.map((method) => [method, exampleOf(route.template), route.group] as const));
    const statuses = await statusesOf([group], requests.map(([method, path]) => [method, path]));
    const opened = requests.filter((_request, index) => statuses[index] === 200);
    expect(opened).toEqual(requests.filter(([, , owner]) => owner === group));
  });

  it.each([
    ['/v1/realtime/client%5Fsecrets', 'front_door_state'], ['/v1/realtime/CLIENT_SECRETS', 'front_door_state'], ['/v1/chat/completions%2Fid', 'front_door_unknown'], ['/v1/%66iles', 'front_door_unknown'],
    ['/v1/%2566iles', 'front_door_unknown'], ['/v1/Files', 'front_door_unknown'], ['/v1/Chat/completions', 'front_door_unknown'], ['/v1/organizatioN/users', 'front_door_unknown'], ['/v1/a%zz', 'front_door_unknown'], ['/v1/files%2F', 'front_door_unknown'],
  ] as const)('%s is not what an origin could take for a route of another group', async (path, group) => {
    expect(await statusesOf([group], [['POST', path], ['POST', group === 'front_door_state' ? '/v1/realtime/calls' : '/v1/rerank']])).toEqual([404, 200]);
  });

  it.each(['/v1/files//', '/v1/files/../organization/users', '/v1/x;y', '/v1/%2e%2e/x', '/v1/a\\b', '/v1//files', '/v1/a%2F..'])('%s is refused, whatever is switched on', async (path) => {
    await using door = await startFrontDoor(answerJson({}), { backends: { openai: { kind: 'openai', send: () => Promise.reject(new Error('not asked')) } }, models: [{ match: '*', backend: 'openai' }], relayGroups: RELAY_GROUPS });
    expect((await sendRawRequest(door.port, `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`)).startLine).toBe('HTTP/1.1 400 Bad Request');
  });
});

it('a body in neither JSON nor a form is refused where the route takes one of these', async () => {
  await using door = await startFrontDoor(answerJson({}), { backends: { openai: { kind: 'openai', send: () => Promise.reject(new Error('not asked')) } }, models: [{ match: '*', backend: 'openai' }] });
  for (const path of ['embeddings', 'audio/transcriptions']) expect((await fetch(`${door.baseURL}/${path}`, { method: 'POST', body: '{"model":"x"}', headers: { 'content-type': 'text/plain' } })).status).toBe(415);
});
