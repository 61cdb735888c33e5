import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { startTestGateway } from '../start-test-gateway.ts';

test.each([
  ['/anthropic/v1/tunnels/t/reveal_token', 404], ['/anthropic/v1/tunnels/t/Reveal_Token', 404], ['/anthropic/v1/tunnels/t/ROTATE_TOKEN', 404], ['/anthropic/v1/TUNNELS/t/reveal_token', 404],
  ['/anthropic/v1/Organizations/o', 404], ['/anthropic/v1/tunnels/T/start', 200], ['/anthropic/v1/sessions/Sess_1/events', 200], ['/anthropic/v1/tomorrow', 200],
])('POST %s is %i where agents and unknown paths are open and administration is not (the upstream may read other letters alike)', async (path, status) => {
  const upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));
  await using gateway = await startTestGateway(upstream.origin, { anthropic_native: { route_groups: ['messages', 'agents'], allow_unknown_routes: true } });
  expect((await fetch(`${gateway.origin}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })).status).toBe(status);
  expect(upstream.requests.length).toBe(status === 200 ? 1 : 0);
  await upstream.close();
});
