import { createHash } from 'node:crypto';
import { freePort, openRawConnection, startScriptedUpstream } from '@penstock/test-support';
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

test('several upstreams: a client that leaves while the body of a refusal is kept is charged nothing, as the model did not run', async () => {
  const key = 'pen_a-client-of-several-upstreams-with-limits';
  await using first = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send('HTTP/1.1 529 Overloaded\r\ncontent-length: 100\r\n\r\nhalf');
  });
  await using second = await startAnswering();
  await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin]), { routing: { cool_down: [60, 60] } }, {
    clients: [{ name: 'limited', key_sha256: createHash('sha256').update(key).digest('hex'), limits: { input_tokens_per_minute: 3_000 } }],
  });
  const body = { model: 'claude-x', max_tokens: 9, messages: [{ role: 'user', content: 'word '.repeat(1_600) }] };
  const fields = `content-type: application/json\r\nx-api-key: ${key}\r\n`;
  const connection = await openRawConnection(gateway.port);
  const text = JSON.stringify(body);
  connection.send(`POST /anthropic/v1/messages HTTP/1.1\r\nhost: localhost\r\n${fields}content-length: ${text.length}\r\n\r\n${text}`);
  await expect.poll(() => gateway.upstreams()[0]?.member?.state, { timeout: 30_000, interval: 5 }).toBe('cooling');
  connection.close();
  const [left] = await gateway.recorded(1);
  expect(left).toMatchObject({ outcome: 'client_gone' });
  expect(second.requests.length).toBe(0);
  expect((await ask(gateway, { body, headers: { 'x-api-key': key } })).status).toBe(200);
});
