import { openRawConnection, startScriptedUpstream, wholeResponse, type RawConnection, type ScriptedUpstream } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';
import { ask, entriesFor, startAnswering, startGroupGateway } from './two-upstreams.ts';

const WATCHED = 20;
const STREAM = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const PATHS = ['sessions/s/events/stream', 'sessions/s/threads/t/stream', 'environments/e/work/poll'];
/** Agents are on, and a request waits for a connection so long that no test sees the end of it. */
const NATIVE = { route_groups: ['messages', 'agents'], pool: { max_connections: WATCHED }, timeouts: { slot_wait: 3_600 } };

/** An upstream whose event streams stay open; everything else is answered. */
function startUpstream(): Promise<ScriptedUpstream> {
  return startScriptedUpstream(async (connection) => {
    while (connection.end() === 'open') {
      const head = await connection.waitFor((unread) => unread.includes('\r\n\r\n'), 120_000);
      if (head.toString('latin1').startsWith('GET ')) {
        connection.send(STREAM);
        await connection.closed();
        return;
      }
      const request = await connection.nextRequest(120_000);
      if (!request.complete) return;
      connection.send(wholeResponse(200, ['content-type', 'application/json'], '{}'));
    }
  });
}

async function watch({ port }: { readonly port: number }): Promise<RawConnection[]> {
  return Promise.all(Array.from({ length: WATCHED }, async (_, index) => {
    const connection = await openRawConnection(port);
    connection.send(`GET /anthropic/v1/${PATHS[index % PATHS.length]} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    return connection;
  }));
}

/** Of all upstreams together. */
async function poolOf(gateway: TestGateway): Promise<Record<string, number>> {
  return (await (await fetch(`${gateway.anthropic}/health`)).json() as { upstream: Record<string, number> }).upstream;
}

/** What 20 watched sessions hold of a pool of 20, and want: a quarter of it. */
const WATCHING = { active: 5, long_lived: 5, max_long_lived: 5, waiting: WATCHED - 5 };

async function messagesPass(gateway: TestGateway): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    const answers = await Promise.all(Array.from({ length: 10 }, async () => (await ask(gateway)).status));
    expect(answers).toEqual(Array.from({ length: 10 }, () => 200));
  }
}

test('a pool of 20 and 20 watched sessions: every message passes them, and each session has its turn', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startTestGateway(upstream.origin, { anthropic_native: NATIVE });
  const watchers = await watch(gateway);
  await expect.poll(() => poolOf(gateway), { timeout: 60_000 }).toMatchObject(WATCHING);
  await messagesPass(gateway);
  expect(await poolOf(gateway)).toMatchObject({ long_lived: 5, waiting: WATCHED - 5 });
  const served = (): RawConnection[] => watchers.filter((watcher) => watcher.received().length > 0);
  await expect.poll(() => served().length, { timeout: 60_000 }).toBe(5);
  for (const watcher of served()) watcher.close();
  await expect.poll(() => served().length, { timeout: 60_000 }).toBe(10);
  for (const watcher of watchers) watcher.close();
});

test('with several upstreams they hold their part of the stateful one, and messages of sessions that live there neither wait nor move', async () => {
  await using first = await startUpstream();
  await using second = await startAnswering();
  await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin]), NATIVE);
  const watchers = await watch(gateway);
  await expect.poll(() => poolOf(gateway), { timeout: 60_000 }).toMatchObject({ ...WATCHING, max_long_lived: 10 });
  await messagesPass(gateway);
  expect([second.requests.length, await gateway.series('penstock_session_moves_total{from="a",to="b"}')]).toEqual([0, 0]);
  for (const watcher of watchers) watcher.close();
});
