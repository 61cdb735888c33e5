// Ten thousand people, each with a connection and a token of their own, and twenty thousand more who come after them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { AUDIENCE, createSigningKey, goodClaims, signToken, startOpenIdProvider } from '../../access/identity/openid-provider.ts';
import { MOST_REMEMBERED_TOKENS } from '../../../src/access/identity/token-cache.ts';
import { runPenstock } from '../../run-penstock.ts';
import { createHeapReader } from './heap-snapshot.ts';

const AT_ONCE = 10_000;
const ALL = 30_000;
const IN_FLIGHT = 200;
/** Beside the remembered tokens, the last callers are named by connections, requests that just ended and lines of the log. */
const NAMED_ELSEWHERE = 1_000;
const ANSWER = '{"type":"message"}';
const BODY = '{"model":"claude-x","max_tokens":1,"messages":[]}';
const PERSON = /person-\d{6}/g;

/** How many files a process may have open; no limit that is known where there is no /proc. */
function mostFiles(): number {
  try {
    return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
const residentMegabytes = (pid: number): number => Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1_024);

/** Sends one request and resolves with its status once the answer is whole. */
function ask(socket: Socket, port: number, token: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let received = '';
    const onData = (chunk: Buffer): void => {
      received += chunk.toString('latin1');
      const status = /^HTTP\/1\.1 (\d{3}) [\s\S]*\r\n\r\n.*\}$/.exec(received)?.[1];
      if (status === undefined) return;
      socket.off('data', onData).off('close', onClose);
      resolve(Number(status));
    };
    const onClose = (): void => reject(new Error(`the connection ended: ${received.slice(0, 200)}`));
    socket.on('data', onData).on('close', onClose);
    socket.write(`POST /anthropic/v1/messages HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\nauthorization: Bearer ${token}\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`);
  });
}

const canRun = process.platform === 'linux' && mostFiles() > AT_ONCE + 2_000;
if (!canRun) process.stdout.write('SKIPPED: ten thousand people at once: it needs Linux and 12,000 open files\n');

test.skipIf(!canRun)('ten thousand people at once: are all served; of thirty thousand no more are kept than tokens may be remembered, and no series is made for any', async () => {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'penstock-persons-'));
  stack.defer(() => { rmSync(folder, { recursive: true, force: true }); });
  const key = await createSigningKey('one', 'ES256');
  const provider = stack.use(await startOpenIdProvider([key]));
  const upstream = stack.use(await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], ANSWER))));
  const heap = createHeapReader(stack);
  const penstock = stack.use(await runPenstock({
    flags: [], environment: { ...heap.environment, ANTHROPIC_API_KEY: 'sk-ant-api03-test-key' },
    document: {
      server: { max_connections: 12_000, keep_alive_timeout: 3_600 }, log: { destination: join(folder, 'access.log') },
      anthropic_native: { base_url: upstream.origin, pool: { max_connections: IN_FLIGHT, max_keepalive_connections: IN_FLIGHT, max_waiting: IN_FLIGHT } },
      identity: { issuers: [{ name: 'idp', issuer: provider.issuer, audience: [AUDIENCE], require: { owner: ['acme'] }, claims: { groups: 'groups' } }] },
      policies: [{ name: 'everyone', match: {}, limits: { requests_per_minute: 1_000 } }],
    },
  }));
  const pid = penstock.child.pid ?? 0;
  const sockets: Socket[] = [];
  stack.defer(() => { for (const socket of sockets) socket.destroy(); });
  const statuses = new Map<number, number>();
  // Those of Node appear when it first collects garbage of a kind.
  const series = async (): Promise<readonly string[]> =>
    (await (await fetch(`${penstock.operations}/metrics`)).text()).split('\n').filter((line) => line.startsWith('penstock_')).map((line) => line.slice(0, line.lastIndexOf(' ')));

  /** Each person of a range asks once; the ones of later ranges over the connections of the first ten thousand. */
  const askAll = async (from: number, to: number): Promise<void> => {
    let next = from;
    await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
      while (next < to) {
        const person = next;
        next += 1;
        const socket = sockets[person % AT_ONCE] ??= connect({ port: penstock.port, host: '127.0.0.1', noDelay: true }).on('error', () => undefined);
        const token = await signToken(key, goodClaims(provider.issuer, { sub: `person-${String(person).padStart(6, '0')}`, exp: Math.floor(Date.now() / 1_000) + 3_600, groups: ['engineers'] }));
        const status = await ask(socket, penstock.port, token);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    }));
  };

  await askAll(0, IN_FLIGHT);
  const [seriesBefore, residentBefore] = [await series(), residentMegabytes(pid)];
  await askAll(IN_FLIGHT, AT_ONCE);
  // Making a snapshot takes memory, too.
  const [resident, kept] = [residentMegabytes(pid), await heap.count(penstock, PERSON)];
  await askAll(AT_ONCE, ALL);
  const keptOfAll = await heap.count(penstock, PERSON);
  process.stdout.write(`persons in the heap: ${kept} of 10,000, ${keptOfAll} of 30,000; resident ${residentBefore} MB with 200 of them, ${resident} MB with 10,000 and their connections\n`);

  expect([...statuses]).toEqual([[200, ALL]]);
  expect(sockets.filter((socket) => socket.readyState === 'open')).toHaveLength(AT_ONCE);
  expect(kept).toBeGreaterThan(0);
  expect(keptOfAll).toBeLessThanOrEqual(MOST_REMEMBERED_TOKENS + NAMED_ELSEWHERE);
  expect(await series()).toEqual(seriesBefore);
}, 900_000);
