import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { entriesFor, startGroupGateway } from '../native/two-upstreams.ts';

const REQUESTS = 10_000;
const AT_ONCE = 40;
const REFUSALS = [401, 403, 429, 503, 529];
/** Statuses that the client may see: served, or one clear error of a request that may have run. */
const SEEN = new Set([200, 502, 504]);

/** What an upstream did with one request that reached it. */
type Deed = 'served' | 'refused' | 'broken';

/** A generator of numbers from 0 to below 1 (mulberry32): a run can be repeated. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** An upstream that serves, refuses (before or after it has read the body) or breaks the connection, and notes each by the id of the request. */
async function startFaultyUpstream(deeds: Map<string, Deed[]>, faults: { refuses: number; breaks: number }, random: () => number, port = 0): Promise<Server> {
  const server = createServer((request, response) => {
    const id = String(request.headers['x-claude-code-agent-id']);
    const note = (deed: Deed): void => { deeds.set(id, [...deeds.get(id) ?? [], deed]); };
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const chance = random();
    const refuse = (): void => {
      note('refused');
      const fields = random() < 0.2 ? { 'retry-after': '0' } : {};
      response.writeHead(REFUSALS[Math.floor(random() * REFUSALS.length)] ?? 529, { 'content-type': 'application/json', ...fields }).end('{"type":"error"}');
    };
    if (chance < faults.refuses / 2) {
      refuse();
      request.resume();
      return;
    }
    request.resume().once('end', () => {
      if (chance < faults.refuses) refuse();
      else if (chance < faults.refuses + faults.breaks) {
        note('broken');
        response.socket?.destroy();
      } else {
        note('served');
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"type":"message"}');
      }
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

test('10,000 requests under faults: none runs twice, none is tried twice at an upstream, and no client sees a refusal while one upstream serves', async () => {
  const random = createRandom(24);
  const deeds = Array.from({ length: 3 }, () => new Map<string, Deed[]>());
  const [ofA = new Map(), ofB = new Map(), ofC = new Map()] = deeds;
  const faults = { refuses: 0.3, breaks: 0.1 };
  // Its port stays its own while it is dead.
  const port = await freePort();
  let first = await startFaultyUpstream(ofA, faults, random, port);
  const second = await startFaultyUpstream(ofB, faults, random);
  const third = await startFaultyUpstream(ofC, { refuses: 0, breaks: 0 }, random);
  await using gateway = await startGroupGateway(entriesFor([first, second, third].map((server) => `http://127.0.0.1:${portOf(server)}`), [{ tier: 0 }, { tier: 0 }, { tier: 0 }]), {
    pool: { max_connections: 100, max_waiting: 1_000 }, routing: { cool_down: [0.001, 0.02] },
  });
  const statuses = new Map<string, number>();
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < REQUESTS) {
      const id = String(next);
      next += 1;
      // Dead for a while, so that connections are refused and open ones break.
      if (next === Math.floor(REQUESTS / 3)) await stop(first);
      if (next === Math.floor(REQUESTS / 2)) first = await startFaultyUpstream(ofA, faults, random, port);
      const body = JSON.stringify({ model: `claude-${next % 5}`, max_tokens: 1, stream: next % 3 === 0, messages: [{ role: 'user', content: 'x'.repeat(next % 50 === 0 ? 300_000 : 10) }] });
      const answer = await fetch(`${gateway.anthropic}/v1/messages`, {
        method: 'POST', body, headers: { 'content-type': 'application/json', 'x-claude-code-agent-id': id, 'x-claude-code-session-id': next % 2 === 0 ? `session-${next % 700}` : id },
      });
      await answer.arrayBuffer();
      statuses.set(id, answer.status);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));

  const wrong: string[] = [];
  const counts = { served: 0, broken: 0, refused: 0 };
  for (const [id, status] of statuses) {
    const at = deeds.map((of) => of.get(id) ?? []);
    const all = at.flat();
    const ran = all.filter((deed) => deed !== 'refused');
    for (const deed of all) counts[deed] += 1;
    const isRight = SEEN.has(status) && at.every((list) => list.length <= 1) && ran.length <= 1 && (status === 200) === (ran[0] === 'served');
    if (!isRight) wrong.push(`${id}: ${status}, ${JSON.stringify(at)}`);
  }
  console.log(`arrivals: ${counts.served} served, ${counts.broken} broken, ${counts.refused} refused; failovers: ${await gateway.sum('penstock_failovers_total{}')}, moves: ${await gateway.sum('penstock_session_moves_total{}')}`);
  expect(wrong).toEqual([]);
  expect(statuses.size).toBe(REQUESTS);
  expect(counts.served + counts.broken).toBeGreaterThan(REQUESTS * 0.9);
  for (const count of [counts.broken, counts.refused]) expect(count).toBeGreaterThan(50);
  expect(await gateway.series('penstock_buffered_bytes{side="native"}')).toBe(0);
  await Promise.all([first, second, third].map(stop));
}, 600_000);
