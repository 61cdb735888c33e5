import { openRawConnection, startScriptedUpstream, statusOf } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { runPenstock, runToEnd } from '../run-penstock.ts';
import { openStream, startHeldUpstream } from './open-streams.ts';

/** Every clock that the process does not wait for, in seconds: that of an idle connection of either side, and the drain's. */
const CLOCK = 600;

const readiness = async (operations: string): Promise<number> => (await fetch(`${operations}/readyz`)).status;

describe.each([1, 2])('with %i worker(s)', (workers) => {
  test('SIGTERM breaks no stream that ends within the drain timeout, flips readiness at once, and exits after the last one', async () => {
    await using upstream = await startHeldUpstream();
    await using penstock = await runPenstock({
      document: {
        server: { workers, drain_timeout: CLOCK, keep_alive_timeout: CLOCK },
        anthropic_native: { base_url: upstream.origin, pool: { max_connections: 100, max_keepalive_connections: 100, keepalive_expiry: CLOCK } },
      },
      flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
    });
    expect(await readiness(penstock.operations)).toBe(200);
    const streams = await Promise.all(Array.from({ length: 40 }, () => openStream(penstock.port)));
    penstock.child.kill('SIGTERM');
    await expect.poll(() => readiness(penstock.operations)).toBe(503);
    expect((await fetch(`${penstock.operations}/livez`)).status).toBe(200);
    upstream.finish();
    const responses = await Promise.all(streams.map((stream) => stream.readMessage({ kind: 'response' }, 30_000)));
    expect(responses.filter(({ complete, body }) => complete && body.includes('message_stop')).length).toBe(40);
    const endedAt = performance.now();
    expect(await penstock.exited).toBe(0);
    // For a busy machine, yet far from the clocks that it does not wait for.
    expect(performance.now() - endedAt).toBeLessThan(120_000);
  }, 240_000);
});

test.each(['connection', 'event'])('streams that outlive the drain timeout are broken, never ended (broken_streams: %s)', async (mode) => {
  await using upstream = await startHeldUpstream();
  await using penstock = await runPenstock({
    document: { server: { drain_timeout: 0.2 }, anthropic_native: { base_url: upstream.origin, broken_streams: mode } }, flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  const stream = await openStream(penstock.port);
  penstock.child.kill('SIGTERM');
  const response = await stream.readMessage({ kind: 'response' });
  expect(response.complete).toBe(false);
  expect(response.body.includes('event: error\ndata: {"type":"error","error":{"type":"api_error"')).toBe(mode === 'event');
  expect(await penstock.exited).toBe(0);
});

test('answers that have not begun at the drain timeout become draining, whether they wait for a slot or for the upstream', async () => {
  await using upstream = await startScriptedUpstream(async (connection) => {
    while ((await connection.nextRequest(600_000)).complete);
  });
  await using penstock = await runPenstock({
    document: { server: { drain_timeout: 0.5 }, anthropic_native: { base_url: upstream.origin, pool: { max_connections: 1 } }, openai_front_door: { pool: { max_connections: 1 } } },
    flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  const body = JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 1, messages: [{ role: 'user', content: 'x' }] });
  const waiting = ['/anthropic/v1/messages', '/anthropic/v1/messages', '/v1/chat/completions', '/v1/chat/completions'].map((path) =>
    fetch(penstock.origin + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body }));
  await expect.poll(async () => {
    const text = await (await fetch(`${penstock.operations}/metrics`)).text();
    return text.match(/^penstock_upstream_pool_(?:waiting|connections)\{.*(?:state="active"|anthropic|native).*\} 1$/gm)?.length ?? 0;
  }).toBe(4);
  penstock.child.kill('SIGTERM');
  const answers = await Promise.all((await Promise.all(waiting)).map(async (response) =>
    [response.status, response.headers.get('x-penstock-error'), response.headers.get('x-should-retry'), response.headers.get('retry-after'), (await response.json() as { error: { type: string } }).error.type]));
  expect(answers).toEqual(Array.from({ length: 4 }, () => [503, 'draining', 'true', '1', 'api_error']));
  expect(await penstock.exited).toBe(0);
  expect(penstock.stdout()).not.toContain('internal error');
});

test('during the pre-stop delay requests are still served, with connection: close', async () => {
  await using penstock = await runPenstock({ document: { server: { pre_stop_delay: 600 } } });
  penstock.child.kill('SIGTERM');
  await expect.poll(() => readiness(penstock.operations)).toBe(503);
  const response = await fetch(`${penstock.origin}/anthropic/v1/models`);
  expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
  expect(await (await fetch(`${penstock.origin}/anthropic/health`)).json()).toMatchObject({ status: 'draining' });
  // The delay, too, is ended by a second signal.
  penstock.child.kill('SIGTERM');
  expect(await penstock.exited).toBe(0);
});

test('while it refuses, an open connection gets draining and is closed', async () => {
  await using upstream = await startHeldUpstream();
  await using penstock = await runPenstock({
    document: { server: { drain_timeout: 60 }, anthropic_native: { base_url: upstream.origin } }, flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  const stream = await openStream(penstock.port);
  // A connection whose request head is half sent when the drain begins is not idle, so it lives to be refused.
  const late = await openRawConnection(penstock.port);
  late.send('GET /anthropic/v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n');
  await fetch(`${penstock.origin}/anthropic/health`);
  penstock.child.kill('SIGTERM');
  await expect.poll(() => readiness(penstock.operations)).toBe(503);
  late.send('\r\n');
  const refused = await late.readMessage({ kind: 'response' });
  expect([statusOf(refused), refused.body.toString().includes('"type":"api_error"')]).toEqual([503, true]);
  expect(await late.closed()).toBe('fin');
  upstream.finish();
  await stream.readMessage({ kind: 'response' });
  expect(await penstock.exited).toBe(0);
});

test.each([1, 2])('a second signal ends at once, and its last log line is behind those of the requests that it broke (%i workers)', async (workers) => {
  await using upstream = await startHeldUpstream();
  await using penstock = await runPenstock({
    document: {
      server: { workers }, anthropic_native: { base_url: upstream.origin, pool: { max_connections: 20 } },
      openai_front_door: { backends: [{ name: 'held', kind: 'openai', base_url: `${upstream.origin}/v1`, api_key: 'sk-test', allow_insecure_base_url: true }], models: [{ model: '*', backend: 'held' }] },
    },
    flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  await Promise.all(Array.from({ length: 8 }, () => openStream(penstock.port)));
  const chat = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'x' }] }) };
  const relayed = Array.from({ length: 4 }, () => fetch(`${penstock.origin}/v1/chat/completions`, chat).catch(() => undefined));
  // Bodies of which half is sent.
  const uploads = await Promise.all(['/anthropic/v1/messages', '/anthropic/v1/messages', '/v1/chat/completions', '/v1/chat/completions'].map(async (path) => {
    const connection = await openRawConnection(penstock.port);
    connection.send(`POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"model":"m",`);
    return connection;
  }));
  await expect.poll(async () => [...(await (await fetch(`${penstock.operations}/metrics`)).text()).matchAll(/^penstock_requests_in_flight\{.*\} (\d+)$/gm)].reduce((sum, [, open]) => sum + Number(open), 0)).toBe(16);
  await expect.poll(() => upstream.requests.length).toBe(12);
  penstock.child.kill('SIGTERM');
  await expect.poll(() => readiness(penstock.operations)).toBe(503);
  penstock.child.kill('SIGINT');
  expect(await penstock.exited).toBe(0);
  await Promise.all([...relayed, ...uploads.map((connection) => connection.closed())]);
  const lines = penstock.stdout().trimEnd().split('\n').map((line) => JSON.parse(line) as { msg?: string });
  expect(lines.filter(({ msg }) => msg === 'request')).toHaveLength(16);
  expect(lines.at(-1)?.msg).toBe('stopped');
});

describe('starting', () => {
  test('without a key and without --simulate it refuses and says what to do', async () => {
    const { code, stderr } = await runToEnd(['start']);
    expect(code).toBe(1);
    expect(stderr).toContain('ANTHROPIC_API_KEY');
  });

  test('inject without clients on every interface is refused (every caller could use the key)', async () => {
    const { code, stderr } = await runToEnd(['start', '--host', '0.0.0.0'], { ANTHROPIC_API_KEY: 'sk-ant-secret-mark' });
    expect(code).toBe(1);
    expect(stderr).toContain('server.host');
    expect(stderr).not.toContain('secret-mark');
  });

  test('an upstream that is our own listener is refused (ANTHROPIC_BASE_URL is what clients export)', async () => {
    const { code, stderr } = await runToEnd(['start', '--port', '18473'], { ANTHROPIC_API_KEY: 'sk-ant-test', ANTHROPIC_BASE_URL: 'http://localhost:18473/anthropic' });
    expect(code).toBe(1);
    expect(stderr).toContain('anthropic_native.base_url');
  });

  test('a port in use is named with its setting', async () => {
    await using first = await runPenstock();
    const { code, stderr } = await runToEnd(['start', '--simulate', '--port', String(first.port)]);
    expect(code).toBe(1);
    expect(stderr).toContain('server.port');
  });

  test('it names the simulator loudly, its addresses, and one line to try', async () => {
    await using penstock = await runPenstock();
    expect(penstock.stderr()).toContain(`http://127.0.0.1:${penstock.port}/anthropic`);
    expect(penstock.stderr()).toContain('THE BUILT-IN SIMULATOR');
    expect(penstock.stderr()).toContain('curl -N');
  });
});
