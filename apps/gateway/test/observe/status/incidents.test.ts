// The exam of an operator: for each incident, the verdict, /status.json, the page and (where readiness is concerned) /readyz name one cause and one party.
import { createHash } from 'node:crypto';
import { openRawConnection, startScriptedUpstream, wholeResponse, type ConnectionScript, type RawConnection, type ScriptedUpstream } from '@penstock/test-support';
import { afterEach, expect, test } from 'vitest';
import { openStream, startHeldUpstream } from '../../process/open-streams.ts';
import type { ConfigDocument } from '../../start-test-gateway.ts';
import { startWatchedGateway, type WatchedGateway } from './start-watched-gateway.ts';

const sha256 = (key: string): string => createHash('sha256').update(key).digest('hex');
const CLIENTS = ['alice', 'mallory'].map((name) => ({ name, key_sha256: sha256(`key-of-${name}`) }));
const DOWN = 'http://127.0.0.1:9';

const opened: RawConnection[] = [];
const started: { [Symbol.asyncDispose](): Promise<void> }[] = [];
afterEach(async () => {
  for (const connection of opened.splice(0)) connection.close();
  for (const part of started.splice(0).toReversed()) await part[Symbol.asyncDispose]();
});

async function start(upstreamOrigin: string, document: ConfigDocument = {}): Promise<WatchedGateway> {
  const gateway = await startWatchedGateway(upstreamOrigin, { clients: CLIENTS, ...document });
  started.push(gateway);
  return gateway;
}

async function startUpstream(script: ConnectionScript): Promise<ScriptedUpstream> {
  const upstream = await startScriptedUpstream(script);
  started.push(upstream);
  return upstream;
}

/** An upstream that answers each request in its turn. */
function answering(answer: (count: number) => ReturnType<typeof wholeResponse>): Promise<ScriptedUpstream> {
  let count = 0;
  return startUpstream(async (connection) => {
    for (;;) {
      const request = await connection.nextRequest(60_000);
      if (!request.complete) return;
      count += 1;
      connection.send(answer(count));
    }
  });
}

const JSON_TYPE = ['content-type', 'application/json'];

async function ask(gateway: WatchedGateway, path: string, key: string): Promise<number> {
  const response = await fetch(`${gateway.origin}${path}`, { headers: { authorization: `Bearer ${key}`, 'x-api-key': key } });
  await response.arrayBuffer();
  return response.status;
}

interface Named {
  readonly cause: string;
  readonly party: string;
  /** The part of /readyz whose warning names both; absent for a cause that concerns no readiness. */
  readonly readyPart?: string;
}

/** Expects every place to name the same cause and party. */
async function expectNamed(gateway: WatchedGateway, { cause, party, readyPart }: Named): Promise<void> {
  await expect.poll(async () => (await gateway.readStatus()).verdict, { timeout: 30_000 }).toMatchObject({ cause, party });
  const { verdict, findings } = await gateway.readStatus();
  expect(findings[0]).toEqual(verdict);
  const page = await (await fetch(`${gateway.watch}/`)).text();
  const sentence = /<div id="verdict" role="status"><p class="sentence (\w+)">(.*?)<\/p>/.exec(page);
  expect(sentence?.[1]).toBe(verdict.severity);
  expect(sentence?.[2]?.replaceAll('&#39;', "'").replaceAll(/\d+ m?s\b/g, 'TIME')).toBe(verdict.text.replaceAll(/\d+ m?s\b/g, 'TIME'));
  const { warnings } = await (await fetch(`${gateway.watch}/readyz`)).json() as { warnings: Record<string, string> };
  if (readyPart === undefined) expect(Object.values(warnings).filter((warning) => warning.startsWith(cause))).toEqual([]);
  else expect(warnings[readyPart]).toMatch(new RegExp(`^${cause}: ${party} `));
}

test('the upstream is down', async () => {
  const gateway = await start(DOWN);
  expect(await ask(gateway, '/anthropic/v1/models', 'key-of-alice')).toBe(502);
  await expectNamed(gateway, { cause: 'upstream_unreachable', party: 'native', readyPart: 'native_upstream' });
});

test('the gateway\'s own key is revoked: no client is blamed, and the failure is the gateway\'s', async () => {
  const upstream = await answering((count) => (count === 1
    ? wholeResponse(200, JSON_TYPE, '{"data":[]}')
    : wholeResponse(401, JSON_TYPE, '{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}')));
  const gateway = await start(upstream.origin);
  expect(await ask(gateway, '/anthropic/v1/models', 'key-of-alice')).toBe(200);
  expect(await ask(gateway, '/anthropic/v1/models', 'key-of-alice')).toBe(401);
  await expectNamed(gateway, { cause: 'credential_refused', party: 'native', readyPart: 'native_upstream' });
  const { failures, verdict, upstreams } = await gateway.readStatus();
  expect(failures).toMatchObject([{ fault: 'gateway', outcome: 'upstream_credential_refused', client: 'alice', upstream: 'native' }]);
  expect(verdict.text).toContain("has refused this gateway's key since");
  expect(upstreams.find(({ name }) => name === 'native')?.trouble).toMatchObject({ cause: 'credential_refused', since: verdict.since });
});

test('one client holds the pool: it is named, not the one that waits', async () => {
  const upstream = await startHeldUpstream();
  started.push(upstream);
  const gateway = await start(upstream.origin, { anthropic_native: { pool: { max_connections: 4 } } });
  for (let count = 0; count < 4; count += 1) opened.push(await openStream(gateway.port, 'key-of-mallory'));
  const victim = await openRawConnection(gateway.port);
  opened.push(victim);
  victim.send('GET /anthropic/v1/models HTTP/1.1\r\nHost: localhost\r\nx-api-key: key-of-alice\r\n\r\n');
  await expect.poll(async () => (await gateway.readStatus()).upstreams[0]?.waiting).toBe(1);
  await expectNamed(gateway, { cause: 'pool_held_by_one_client', party: 'mallory', readyPart: 'native_pool' });
  expect((await gateway.readStatus()).verdict.text).toMatch(/^mallory holds 4 of 4 connections to the Anthropic API \(native\), the oldest for .*; 1 wait\.$/);
});

test('the quota is spent: the sentence has its reset', async () => {
  const reset = new Date(Date.now() + 45_000).toISOString();
  const upstream = await answering(() => wholeResponse(429, [
    ...JSON_TYPE, 'anthropic-ratelimit-requests-limit', '60', 'anthropic-ratelimit-requests-remaining', '0', 'anthropic-ratelimit-requests-reset', reset, 'retry-after', '45',
  ], '{"type":"error","error":{"type":"rate_limit_error","message":"spent"}}'));
  const gateway = await start(upstream.origin);
  expect(await ask(gateway, '/anthropic/v1/models', 'key-of-alice')).toBe(429);
  await expectNamed(gateway, { cause: 'quota_spent', party: 'native', readyPart: 'native_upstream' });
  const { verdict, quotas, failures } = await gateway.readStatus();
  expect(verdict.text).toMatch(/The quota requests is spent; it is full again in 4\d s\.$/);
  expect(quotas).toMatchObject([{ upstream: 'native', quota: 'requests', limit: 60, remaining: 0, used_ratio: 1, resets_at: reset }]);
  expect(failures).toMatchObject([{ fault: 'upstream', status: 429 }]);
});

test('a storm of wrong keys: readiness is not concerned, and other failures stay visible', async () => {
  const gateway = await start(DOWN);
  for (let count = 0; count < 30; count += 1) expect(await ask(gateway, '/anthropic/v1/models', 'pen_of-a-stranger')).toBe(401);
  await expectNamed(gateway, { cause: 'wrong_keys', party: 'unauthenticated' });
  expect((await gateway.readStatus()).failures).toMatchObject([{ count: 30, fault: 'client', code: 'unauthenticated', client: 'unauthenticated', status: 401 }]);
});

test('the front door\'s backend is dead, while the native side is well', async () => {
  const upstream = await answering(() => wholeResponse(200, JSON_TYPE, '{"data":[]}'));
  const gateway = await start(upstream.origin, { openai_front_door: { backends: [{ name: 'local', kind: 'openai', base_url: `${DOWN}/v1`, api_key: 'k' }] } });
  expect(await ask(gateway, '/anthropic/v1/models', 'key-of-alice')).toBe(200);
  const response = await fetch(`${gateway.origin}/v1/chat/completions`, {
    method: 'POST', headers: { authorization: 'Bearer key-of-alice', 'content-type': 'application/json' }, body: '{"model":"m","messages":[{"role":"user","content":"hi"}]}',
  });
  expect(response.status).toBe(502);
  await gateway.recorded(2);
  await expectNamed(gateway, { cause: 'backend_unreachable', party: 'front_door_local', readyPart: 'front_door_local_upstream' });
  expect((await gateway.readStatus()).upstreams).toMatchObject([{ name: 'native', trouble: null }, { name: 'front_door_local', trouble: { cause: 'backend_unreachable' } }]);
});

test('a client that does not read its answer', async () => {
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
  const upstream = await startUpstream(async (connection) => {
    await connection.nextRequest(60_000);
    connection.send('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
    while (connection.end() === 'open') {
      connection.send(chunk);
      if (connection.socket.writableLength > 1_000_000) await new Promise((resolve) => { connection.socket.once('drain', resolve).once('close', resolve); });
      else await new Promise((resolve) => { setImmediate(resolve); });
    }
  });
  const gateway = await start(upstream.origin);
  const slow = await openRawConnection(gateway.port);
  opened.push(slow);
  const body = '{"model":"m","max_tokens":1,"stream":true,"messages":[]}';
  slow.send(`POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nx-api-key: key-of-mallory\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await slow.waitFor((bytes) => bytes.includes('text/event-stream'));
  slow.socket.pause();
  await expectNamed(gateway, { cause: 'slow_client', party: 'mallory' });
  const [request] = (await gateway.readStatus()).open.requests;
  expect(request?.stalled_seconds).toBeGreaterThanOrEqual(3);
});

test('a shutdown with open streams: how many, whose, and until when', async () => {
  const upstream = await startHeldUpstream();
  started.push(upstream);
  const gateway = await start(upstream.origin);
  opened.push(await openStream(gateway.port, 'key-of-alice'), await openStream(gateway.port, 'key-of-alice'), await openStream(gateway.port, 'key-of-mallory'));
  const drained = gateway.drain();
  await expectNamed(gateway, { cause: 'draining', party: 'gateway' });
  const { verdict, drain, gateway: state } = await gateway.readStatus();
  expect(verdict.text).toMatch(/^Shutting down: 3 responses are open \(alice 2, mallory 1\), the oldest for .*; those that are open in .* are broken\.$/);
  expect(drain).toMatchObject({ open: 3, since: verdict.since });
  expect(state.state).toMatch(/leaving|refusing/);
  upstream.finish();
  await drained;
  await expect.poll(async () => (await gateway.readStatus()).verdict.text).toBe('Shutting down: no response is open.');
});

test('a cause that is over is no verdict any more', async () => {
  let isDown = true;
  const upstream = await answering(() => (isDown ? wholeResponse(529, JSON_TYPE, '{"type":"error","error":{"type":"overloaded_error","message":"m"}}') : wholeResponse(200, JSON_TYPE, '{"data":[]}')));
  const gateway = await start(upstream.origin);
  expect(await ask(gateway, '/anthropic/v1/models', 'key-of-alice')).toBe(529);
  await expectNamed(gateway, { cause: 'api_failing', party: 'native', readyPart: 'native_upstream' });
  isDown = false;
  expect(await ask(gateway, '/anthropic/v1/models', 'key-of-alice')).toBe(200);
  await expect.poll(async () => (await gateway.readStatus()).verdict).toMatchObject({ cause: 'all_well', party: null, since: null, severity: 'none' });
});
