import { openRawConnection, startScriptedUpstream } from '@penstock/test-support';
import { Agent, fetch } from 'undici';
import { expect, test } from 'vitest';
import { entriesFor, OVERLOADED, SERVED, startAnswering, type TestUpstream } from '../native/two-upstreams.ts';
import { sumOf } from '../observe/metrics/exposition.ts';
import { runPenstock, type PenstockProcess } from '../run-penstock.ts';

const WORKERS = 2;
/** Connections are handed to workers in turn: so many new ones reach each of them. */
const ROUNDS = 4 * WORKERS;
const TWO_WORKERS = { workers: WORKERS };

/** Sends a request on a connection of its own, so that it may reach any worker. */
async function onNewConnection(url: string, init: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string } = {}): Promise<{ readonly status: number; readonly json: unknown }> {
  const agent = new Agent({ pipelining: 0, connections: 1 });
  try {
    const answer = await fetch(url, { ...init, dispatcher: agent });
    return { status: answer.status, json: await answer.json() };
  } finally {
    await agent.destroy();
  }
}

const ask = async (penstock: PenstockProcess, session: string): Promise<number> => (await onNewConnection(`${penstock.origin}/anthropic/v1/messages`, {
  method: 'POST', body: '{"model":"claude-x","max_tokens":1,"messages":[]}', headers: { 'content-type': 'application/json', 'x-claude-code-session-id': session },
})).status;

/** The state of an upstream as each worker sees it, the same one on so many connections in a row. */
async function allSee(penstock: PenstockProcess, name: string, state: string): Promise<void> {
  await expect.poll(async () => {
    const seen = new Set<string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const { json } = await onNewConnection(`${penstock.origin}/anthropic/health`);
      seen.add((json as { upstreams: Record<string, { state: string }> }).upstreams[name]?.state ?? 'absent');
    }
    return [...seen];
  }, { timeout: 60_000 }).toEqual([state]);
}

const counts = (upstreams: readonly TestUpstream[]): number[] => upstreams.map(({ requests }) => requests.length);

test('two workers: an upstream that cools down in one is not asked by the other, and a session that moved in one stays moved in both, also after a rolling restart', async () => {
  await using first = await startAnswering(OVERLOADED);
  await using second = await startAnswering();
  const upstreams = [first, second];
  const native = (coolDown: number): object => ({ upstreams: entriesFor(upstreams.map(({ origin }) => origin)), routing: { cool_down: [coolDown, coolDown] } });
  await using penstock = await runPenstock({ document: { server: TWO_WORKERS, anthropic_native: native(600) as Record<string, unknown> }, flags: [] });
  expect(await ask(penstock, 'moved')).toBe(200);
  await allSee(penstock, 'a', 'cooling');
  for (let round = 0; round < ROUNDS; round += 1) expect(await ask(penstock, `new-${round}`)).toBe(200);
  // One request was refused once; without a common memory each worker would have asked for itself.
  expect(counts(upstreams)).toEqual([1, 1 + ROUNDS]);

  first.answer = SERVED;
  // What refers to the state of an account goes to the first one whatever its health, and shows that it is well.
  expect((await onNewConnection(`${penstock.origin}/anthropic/v1/files`)).status).toBe(200);
  await allSee(penstock, 'a', 'well');
  for (let round = 0; round < ROUNDS; round += 1) expect(await ask(penstock, 'moved')).toBe(200);
  expect(counts(upstreams)).toEqual([2, 1 + 2 * ROUNDS]);
  expect(await ask(penstock, 'never-moved')).toBe(200);
  expect(counts(upstreams)).toEqual([3, 1 + 2 * ROUNDS]);

  penstock.child.kill('SIGUSR2');
  await expect.poll(() => penstock.stdout().match(/"worker replaced"/g)?.length, { timeout: 60_000 }).toBe(WORKERS);
  for (let round = 0; round < ROUNDS; round += 1) expect(await ask(penstock, 'moved')).toBe(200);
  expect(counts(upstreams)).toEqual([3, 1 + 3 * ROUNDS]);
}, 180_000);

test('two workers with a pool of 20: 20 watched sessions hold a part of it, and every message passes them', async () => {
  await using upstream = await startScriptedUpstream(async (connection) => {
    while (connection.end() === 'open') {
      const head = await connection.waitFor((unread) => unread.includes('\r\n\r\n'), 120_000);
      if (head.toString('latin1').startsWith('GET ')) {
        connection.send('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
        await connection.closed();
        return;
      }
      const request = await connection.nextRequest(120_000);
      if (!request.complete) return;
      connection.send(SERVED());
    }
  });
  const native = { base_url: upstream.origin, route_groups: ['messages', 'agents'], pool: { max_connections: 20, max_waiting: 1_000 }, timeouts: { slot_wait: 3_600 } };
  await using penstock = await runPenstock({ document: { server: TWO_WORKERS, anthropic_native: native }, flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' } });
  const watchers = await Promise.all(Array.from({ length: 20 }, async () => {
    const watcher = await openRawConnection(penstock.port);
    watcher.send('GET /anthropic/v1/sessions/s/events/stream HTTP/1.1\r\nhost: localhost\r\n\r\n');
    return watcher;
  }));
  const read = async (): Promise<number | undefined> => sumOf(await (await fetch(`${penstock.operations}/metrics`)).text(), 'penstock_requests_in_flight', { side: 'native' });
  await expect.poll(read, { timeout: 60_000 }).toBe(20);
  for (let round = 0; round < ROUNDS; round += 1) expect(await ask(penstock, `s-${round}`)).toBe(200);
  await expect.poll(read, { timeout: 60_000 }).toBe(20);
  expect(watchers.filter((watcher) => watcher.received().length > 0).length).toBeLessThan(10);
  for (const watcher of watchers) watcher.close();
}, 180_000);
