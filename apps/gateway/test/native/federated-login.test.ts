import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CLIENT_ROUTES, GROUP_TRAITS } from '../../src/config/sections/route-groups.ts';
import { startTestGateway } from '../start-test-gateway.ts';
import { ask, entriesFor, jsonAnswer, OVERLOADED, startAnswering, startGroupGateway } from './two-upstreams.ts';

const PATH = '/v1/oauth/token';
const GRANT = '{"grant_type":"urn:ietf:params:oauth:grant-type:jwt-bearer","assertion":"a.b.c"}';
const TOKEN = jsonAnswer(200, '{"access_token":"t","token_type":"Bearer","expires_in":60}');
const sha256 = (key: string): string => createHash('sha256').update(key).digest('hex');

describe('federated login (POST /v1/oauth/token)', () => {
  test.each([
    ['by default', {}, 404], ['with agents and unknown paths', { route_groups: ['messages', 'agents'], allow_unknown_routes: true }, 404],
    ['with the administration', { route_groups: ['admin'] }, 404], ['with its own group', { route_groups: ['oauth_token'] }, 200],
  ])('%s: served only where its own group is switched on', async (_what, native, status) => {
    await using upstream = await startAnswering(TOKEN);
    await using gateway = await startTestGateway(upstream.origin, { anthropic_native: native });
    const answer = await ask(gateway, { path: PATH, body: GRANT });
    expect(answer.status).toBe(status);
    if (status === 404) expect(await answer.text()).toContain('\\"oauth_token\\"');
    expect(upstream.requests.map(({ body }) => body.toString())).toEqual(status === 200 ? [GRANT] : []);
  });

  test('its group opens nothing of the administration, and no other path or method beside it', async () => {
    await using upstream = await startAnswering(TOKEN);
    await using gateway = await startTestGateway(upstream.origin, { anthropic_native: { route_groups: ['oauth_token'], allow_unknown_routes: true } });
    const paths = ['/v1/oauth', '/v1/oauth/tokens', '/v1/oauth/token/x', '/v1/oauth/Token', '/v1/OAuth/token', '/v1/organizations/me', '/v1/compliance/activities', '/v1/tunnels/t/reveal_token'];
    for (const path of paths) expect([path, (await ask(gateway, { path, body: GRANT })).status]).toEqual([path, 404]);
    const read = await fetch(`${gateway.anthropic}${PATH}`);
    expect([read.status, read.headers.get('allow')]).toEqual([405, 'POST']);
    expect(upstream.requests).toHaveLength(0);
  });

  test.each([
    ['no routes of their own', {}, 403], ['the group in their routes', { routes: ['oauth_token'] }, 200], ['the group and models', { routes: ['oauth_token'], models: ['claude-x'] }, 403],
  ])('of two clients with %s: the token of an account is for those whose routes name it', async (_what, rules, status) => {
    await using upstream = await startAnswering(TOKEN);
    const clients = ['one', 'two'].map((name) => ({ name, key_sha256: sha256(`key-${name}`), ...rules }));
    await using gateway = await startTestGateway(upstream.origin, { clients, anthropic_native: { route_groups: ['oauth_token', 'admin'] } });
    expect((await ask(gateway, { path: PATH, body: GRANT, headers: { 'x-api-key': 'key-one' } })).status).toBe(status);
    expect((await ask(gateway, { path: '/v1/organizations/o', body: '{}', headers: { 'x-api-key': 'key-one' } })).status).toBe(403);
  });

  test('goes to the stateful upstream and never moves', async () => {
    await using first = await startAnswering(TOKEN);
    await using second = await startAnswering(OVERLOADED);
    await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin]), { route_groups: ['oauth_token'], routing: { stateful: 'b' } });
    expect((await ask(gateway, { path: PATH, body: GRANT })).status).toBe(529);
    expect([first.requests.length, second.requests.length]).toEqual([0, 1]);
  });

  test('its group is a value of a client\'s routes', () => {
    expect(CLIENT_ROUTES).toContain('oauth_token');
    expect(GROUP_TRAITS.oauth_token).toMatchObject({ isServedByDefault: false, isShared: true, hidesModels: true });
  });
});
