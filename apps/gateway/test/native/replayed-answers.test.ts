import { freePort } from '@penstock/test-support';
import { expect, test, vi } from 'vitest';
import { ask, entriesFor, jsonAnswer, OVERLOADED, SERVED, startAnswering, startGroupGateway } from './two-upstreams.ts';

const SPENT = jsonAnswer(429, '{"of":"a"}', ['retry-after', '30', 'request-id', 'req_a']);

test('several upstreams: a 429 of the first that is better than the 529 of the last is the answer of the first, in log, page and metrics', async () => {
  await using first = await startAnswering(SPENT);
  await using second = await startAnswering(OVERLOADED);
  await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin]));
  const answer = await ask(gateway);
  expect([answer.status, await answer.text()]).toEqual([429, '{"of":"a"}']);
  const [line] = await gateway.recorded(1);
  expect(line).toMatchObject({ status: 429, outcome: 'upstream_error', upstream: 'a', upstream_request_id: 'req_a', failovers: ['a:status_429', 'b:status_529'] });
  expect(gateway.upstreams().map(({ name, trouble }) => [name, trouble?.cause]).slice(0, 2)).toEqual([['a', 'quota_spent'], ['b', 'api_failing']]);
});

test('several upstreams: a refused key of the first is that of the first, where the last is not reached', async () => {
  await using first = await startAnswering(jsonAnswer(401, '{}'));
  await using gateway = await startGroupGateway(entriesFor([first.origin, `http://127.0.0.1:${await freePort()}`]));
  const answer = await ask(gateway);
  expect([answer.status, answer.headers.get('x-penstock-error')]).toEqual([502, 'upstream_credential']);
  const [line] = await gateway.recorded(1);
  expect(line).toMatchObject({ upstream: 'a', failovers: ['a:status_401', 'b:not_sent'] });
  expect(gateway.upstreams().map(({ name, trouble }) => [name, trouble?.cause]).slice(0, 2)).toEqual([['a', 'credential_refused'], ['b', 'upstream_unreachable']]);
});

test('several upstreams: a spent quota of one that was left is over at the reset that its 429 named, and its fields are in the metrics', async () => {
  const { now } = Date;
  let passed = 0;
  using _clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + passed);
  const reset = new Date(Date.now() + 3_600_000).toISOString();
  await using first = await startAnswering(jsonAnswer(429, '{}', ['anthropic-ratelimit-requests-limit', '50', 'anthropic-ratelimit-requests-remaining', '0', 'anthropic-ratelimit-requests-reset', reset]));
  await using second = await startAnswering(SERVED);
  await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin]));
  expect((await ask(gateway)).status).toBe(200);
  await gateway.recorded(1);
  expect(gateway.upstreams()[0]?.trouble?.cause).toBe('quota_spent');
  expect(await gateway.metrics.registry.metrics()).toMatch(/_ratelimit_[a-z_]*\{[^}]*upstream="a"/);
  passed = 3_700_000;
  expect(gateway.upstreams()[0]?.trouble).toBeUndefined();
});
