// The live page over sockets: what it shows of open and ended requests, in all its forms, and what it never shows.
import { createHash } from 'node:crypto';
import { openRawConnection, sendRawRequest, statusOf, type RawConnection } from '@penstock/test-support';
import { afterEach, describe, expect, test } from 'vitest';
import type { Status } from '../../../src/observe/status/status.ts';
import { openStream, startHeldUpstream, type HeldUpstream } from '../../process/open-streams.ts';
import { TEST_KEY } from '../../start-test-gateway.ts';
import { startWatchedGateway, type WatchedGateway, type WatchOptions } from './start-watched-gateway.ts';

const sha256 = (key: string): string => createHash('sha256').update(key).digest('hex');
const NAMES = ['alice', 'mallory'];
const CLIENTS = NAMES.map((name) => ({ name, key_sha256: sha256(`key-of-${name}`) }));
const keyOf = (name: string): string => `key-of-${name}`;

const opened: RawConnection[] = [];
const started: (WatchedGateway | HeldUpstream)[] = [];
afterEach(async () => {
  for (const connection of opened.splice(0)) connection.close();
  for (const part of started.splice(0).toReversed()) await part[Symbol.asyncDispose]();
});

async function start(document: Record<string, unknown> = {}, options: WatchOptions = {}): Promise<{ upstream: HeldUpstream; gateway: WatchedGateway }> {
  const upstream = await startHeldUpstream();
  started.push(upstream);
  const gateway = await startWatchedGateway(upstream.origin, { clients: CLIENTS, ...document }, options);
  started.push(gateway);
  return { upstream, gateway };
}

async function stream(gateway: WatchedGateway, client: string): Promise<RawConnection> {
  const connection = await openStream(gateway.port, keyOf(client));
  opened.push(connection);
  return connection;
}

/** Reads events of the page until one is as wanted. */
async function readEvents(gateway: WatchedGateway, isLast: (parts: Record<string, string>) => boolean, query = ''): Promise<Record<string, string>> {
  const connection = await openRawConnection(gateway.operations.port);
  opened.push(connection);
  connection.send(`GET /status.events${query} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const parts: Record<string, string> = {};
  await connection.waitFor((bytes) => {
    for (const [, data = ''] of bytes.toString().matchAll(/^data: (.*)$/gm)) {
      try {
        Object.assign(parts, (JSON.parse(data) as { parts: Record<string, string> }).parts);
      } catch {
        // Not whole yet.
      }
    }
    return isLast(parts);
  }, 20_000);
  return parts;
}

describe('/status.json', () => {
  test('shows an open stream with its client, model, phase, age and bytes, and no longer once it ended', async () => {
    const { gateway, upstream } = await start();
    await stream(gateway, 'alice');
    const { open, upstreams, version } = await gateway.readStatus();
    expect(version).toBe(1);
    expect(open).toMatchObject({ total: 1, matching: 1, next: null, by_side: { native: 1, front_door: 0, bedrock: 0, vertex: 0 }, by_phase: { relay: 1 } });
    const [request] = open.requests;
    expect(request).toMatchObject({ client: 'alice', side: 'native', upstream: 'native', route: '/anthropic/v1/messages', method: 'POST', model: 'm', phase: 'relay', stream: true, stalled_seconds: null });
    expect(request?.id).toMatch(/^pen_/);
    expect(request?.response_bytes).toBeGreaterThan(0);
    expect(request?.request_bytes).toBeGreaterThan(0);
    expect(upstreams.find(({ name }) => name === 'native')).toMatchObject({ side: 'native', active: 1, clients: [{ client: 'alice', held: 1, waiting: 0 }], trouble: null });
    upstream.finish();
    await gateway.recorded(1);
    // An answer is shared with questions that come just behind it.
    await expect.poll(async () => (await gateway.readStatus()).open).toMatchObject({ total: 0, requests: [] });
    const after = await gateway.readStatus();
    expect(after.clients).toMatchObject([{ client: 'alice', requests: 1, failures: 0, open: 0 }]);
    expect(after.activity.requests.reduce((sum, count) => sum + count, 0)).toBe(1);
  });

  test('shows a request that waits for a connection in its phase, and the share of each client', async () => {
    const { gateway } = await start({ anthropic_native: { pool: { max_connections: 2 } } });
    await stream(gateway, 'mallory');
    await stream(gateway, 'mallory');
    const waiting = await openRawConnection(gateway.port);
    opened.push(waiting);
    waiting.send(`POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nx-api-key: ${keyOf('alice')}\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"model":"m"}`);
    await expect.poll(async () => (await gateway.readStatus('?phase=acquire')).open.requests).toMatchObject([{ client: 'alice', phase: 'acquire', held_seconds: null }]);
    const { upstreams, verdict } = await gateway.readStatus();
    expect(upstreams.find(({ name }) => name === 'native')).toMatchObject({ max_connections: 2, waiting: 1, clients: [{ client: 'mallory', held: 2, waiting: 0 }, { client: 'alice', held: 0, waiting: 1 }] });
    expect(verdict).toMatchObject({ cause: 'pool_held_by_one_client', party: 'mallory' });
    expect(verdict.text).toMatch(/^mallory holds 2 of 2 connections to the Anthropic API \(native\), the oldest for \d+ m?s; 1 wait\.$/);
  });

  test('filters, sorts and pages through the open requests, and each is on exactly one page', async () => {
    const { gateway } = await start({ anthropic_native: { pool: { max_connections: 20 } } });
    for (let index = 0; index < 5; index += 1) await stream(gateway, NAMES[index % 2] ?? '');
    const ids: string[] = [];
    let query = '?limit=2';
    for (;;) {
      const { open } = await gateway.readStatus(query);
      expect(open).toMatchObject({ total: 5, matching: 5 });
      ids.push(...open.requests.map(({ id }) => id));
      if (open.next === null) break;
      query = `?limit=2&after=${encodeURIComponent(open.next)}`;
    }
    expect(new Set(ids).size).toBe(5);
    expect(ids).toHaveLength(5);
    expect((await gateway.readStatus('?client=mallory')).open).toMatchObject({ total: 5, matching: 2, requests: [{ client: 'mallory' }, { client: 'mallory' }] });
    expect((await gateway.readStatus('?sort=client&search=MESSAGES')).open.requests.map(({ client }) => client)).toEqual(['alice', 'alice', 'alice', 'mallory', 'mallory']);
    expect((await gateway.readStatus('?side=front_door')).open).toMatchObject({ matching: 0, requests: [] });
    expect((await gateway.readStatus('?limit=0')).open).toMatchObject({ total: 5, requests: [], next: null });
  });

  test.each([
    '?bogus=1', '?client=a&client=b', '?limit=501', '?limit=-1', '?limit=x', '?sort=secret', '?side=other', '?phase=none', '?after=1', '?sort=bytes&after=1~pen_x',
    `?search=${'x'.repeat(201)}`, '?__proto__=1', '?%00=1',
  ])('a query that cannot be read is refused with a sentence: %s', async (query) => {
    const { gateway } = await start();
    for (const path of ['/status.json', '/', '/status.events']) {
      const response = await fetch(`${gateway.watch}${path}${query}`);
      expect(response.status).toBe(400);
      expect((await response.json() as { error: { message: string } }).error.message).toMatch(/\.$/);
    }
  });

  test('a failure is shown with fault, outcome, code and id, and equal ones are one row with their number', async () => {
    const { gateway } = await start({ anthropic_native: { base_url: 'http://127.0.0.1:9' } });
    for (let count = 0; count < 3; count += 1) {
      const response = await fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', headers: { 'x-api-key': keyOf('alice'), 'content-type': 'application/json' }, body: '{"model":"claude-x"}' });
      expect(response.status).toBe(502);
    }
    await gateway.recorded(3);
    const { failures, clients } = await gateway.readStatus();
    expect(failures).toMatchObject([{ count: 3, fault: 'network', outcome: 'upstream_unreachable', status: 502, client: 'alice', upstream: 'native', model: 'claude-x', side: 'native' }]);
    expect(failures[0]?.code).toContain('unreachable');
    expect(failures[0]?.id).toBe(gateway.logged.filter(({ msg }) => msg === 'request').at(-1)?.['request_id']);
    expect(clients).toMatchObject([{ client: 'alice', requests: 3, failures: 3, refusals: 0 }]);
  });

  test('holds neither a prompt nor a key, nor a text in the place of a model', async () => {
    const { gateway } = await start();
    const body = '{"model":"please translate: my secret diary","max_tokens":1,"stream":true,"messages":[{"role":"user","content":"my secret diary"}]}';
    const connection = await openRawConnection(gateway.port);
    opened.push(connection);
    connection.send(`POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nx-api-key: ${keyOf('alice')}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await connection.waitFor((bytes) => bytes.includes('message_start'));
    for (const path of ['/status.json', '/']) {
      const text = await (await fetch(`${gateway.watch}${path}`)).text();
      expect(text).toContain('not_a_model_name');
      for (const secret of ['diary', TEST_KEY, keyOf('alice'), sha256(keyOf('alice'))]) expect(text).not.toContain(secret);
    }
  });
});

describe('the page', () => {
  test('is readable without a script: a snapshot with the open requests, whose links sort and whose form filters', async () => {
    const { gateway } = await start();
    await stream(gateway, 'alice');
    const response = await fetch(`${gateway.watch}/?client=alice&sort=bytes`);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const text = await response.text();
    expect(text).toMatch(/<tbody id="open-rows"><tr>.*alice.*<span class="phase relay">relay<\/span>/);
    expect(text).toContain('href="/?client=alice&amp;sort=age&amp;limit=100"');
    expect(text).toContain('<option value="bytes" selected>');
    // Nothing is loaded from elsewhere, and nothing stands inline that the policy would have to allow.
    expect(text).not.toMatch(/https?:\/\/|<style|<script(?! defer src="\/page\.js")|\sstyle=|\son\w+=/);
    for (const file of ['/page.js', '/page.css']) {
      const asset = await fetch(`${gateway.watch}${file}`);
      expect(asset.status).toBe(200);
      expect(await asset.text()).not.toMatch(/https?:\/\/|@import/);
    }
  });

  test('its events bring the parts that changed: the whole page first, then a request that came and one that ended', async () => {
    const { gateway, upstream } = await start({}, { limits: { updateIntervalMs: 20 } });
    const first = await readEvents(gateway, (parts) => parts['open-rows'] !== undefined);
    expect(Object.keys(first).toSorted()).toEqual(['activity', 'clients', 'config', 'drain', 'failures', 'findings', 'open-rows', 'open-summary', 'quotas', 'upstreams', 'verdict']);
    expect(first['open-rows']).toContain('No request is open.');
    const watching = readEvents(gateway, (parts) => parts['open-rows']?.includes('alice') === true);
    await stream(gateway, 'alice');
    expect((await watching)['verdict']).toContain('All well');
    const ending = readEvents(gateway, (parts) => parts['open-rows']?.includes('No request is open.') === true && parts['clients']?.includes('alice') === true);
    upstream.finish();
    await ending;
  });

  test.each(['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '\u202eecila', "' onmouseover='x"])('a text of a client stands as text: %s', async (hostile) => {
    const { gateway } = await start();
    const text = await (await fetch(`${gateway.watch}/?search=${encodeURIComponent(hostile)}&client=${encodeURIComponent(hostile)}`)).text();
    expect(text).toContain('No request is open.');
    expect(text).not.toContain(hostile);
  });
});

describe('who may see it', () => {
  const ask = (gateway: WatchedGateway, path: string, fields = ''): Promise<number | undefined> =>
    sendRawRequest(gateway.operations.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`).then(statusOf);
  const PATHS = ['/', '/status.json', '/status.events', '/page.js'];

  test('a forged Host and a cross-site request are refused, and nothing is held for them', async () => {
    const { gateway } = await start();
    for (const path of PATHS) {
      expect(statusOf(await sendRawRequest(gateway.operations.port, `GET ${path} HTTP/1.1\r\nHost: evil.example\r\n\r\n`))).toBe(421);
      expect(await ask(gateway, path, 'Sec-Fetch-Site: cross-site\r\n')).toBe(403);
      expect(await ask(gateway, path, 'Origin: https://evil.example\r\n')).toBe(403);
      expect(await ask(gateway, path, 'Origin: http://localhost:1\r\n')).toBe(403);
      if (path !== '/status.events') expect(await ask(gateway, path, 'Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n')).toBe(200);
      expect(statusOf(await sendRawRequest(gateway.operations.port, `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`))).toBe(405);
    }
  });

  test('with a token, page and status need it as a bearer or as a password, while probes and metrics need none', async () => {
    const { gateway } = await start({}, { token: 'a-token-of-the-operator' });
    const basic = (text: string): string => `Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`;
    for (const path of PATHS.filter((name) => name !== '/status.events')) {
      expect(await ask(gateway, path)).toBe(401);
      expect(await ask(gateway, path, 'Authorization: Bearer wrong-token-of-a-stranger\r\n')).toBe(401);
      expect(await ask(gateway, path, 'Authorization: Bearer a-token-of-the-operator\r\n')).toBe(200);
      expect(await ask(gateway, path, basic('any:a-token-of-the-operator'))).toBe(200);
      expect(await ask(gateway, path, basic('a-token-of-the-operator:'))).toBe(401);
    }
    expect(await ask(gateway, '/status.events')).toBe(401);
    for (const path of ['/livez', '/readyz', '/metrics']) expect(await ask(gateway, path)).toBe(200);
  });

  test('on an address that is not loopback it is closed without a token, while probes and metrics stay open', async () => {
    const { gateway } = await start({}, { host: '0.0.0.0' });
    for (const path of PATHS) expect(await ask(gateway, path)).toBe(403);
    for (const path of ['/livez', '/readyz', '/metrics']) expect(await ask(gateway, path)).toBe(200);
  });

  test('operations.page false: the process remembers nothing of requests', async () => {
    const upstream = await startHeldUpstream();
    started.push(upstream);
    await expect(startWatchedGateway(upstream.origin, { operations: { page: false } })).rejects.toThrow('the page is off');
  });
});

describe('open pages are bounded', () => {
  const openPage = async (gateway: WatchedGateway): Promise<RawConnection> => {
    const connection = await openRawConnection(gateway.operations.port);
    opened.push(connection);
    connection.send('GET /status.events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await connection.waitFor((bytes) => bytes.includes('\r\n\r\n'));
    return connection;
  };
  const statusLine = (connection: RawConnection): string => connection.received().toString('latin1').split('\r\n')[0] ?? '';

  test('one more than fit is refused, and a page that closes makes place', async () => {
    const { gateway } = await start({}, { limits: { maxPages: 2, updateIntervalMs: 20 } });
    const [first, , third] = [await openPage(gateway), await openPage(gateway), await openPage(gateway)];
    expect(statusLine(first)).toContain(' 200 ');
    expect(statusLine(third)).toContain(' 503 ');
    first?.close();
    await expect.poll(async () => statusLine(await openPage(gateway))).toContain(' 200 ');
  });

  test('a page is asked to connect anew after its longest time', async () => {
    const { gateway } = await start({}, { limits: { updateIntervalMs: 20, longestMs: 100 } });
    const page = await openPage(gateway);
    await page.waitFor((bytes) => bytes.includes('\r\n0\r\n\r\n'));
  });
});

test('the document of the status has the same members in an empty gateway and in a busy one', async () => {
  const { gateway } = await start();
  const shapeOf = (status: Status): string[] => Object.entries(status).flatMap(([name, value]) => (value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.keys(value as object).map((inner) => `${name}.${inner}`) : [name])).filter((name) => !name.startsWith('warnings'));
  const empty = shapeOf(await gateway.readStatus());
  await stream(gateway, 'alice');
  expect(shapeOf(await gateway.readStatus())).toEqual(empty);
});
