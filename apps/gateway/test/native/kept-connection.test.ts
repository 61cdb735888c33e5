import { createHash } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { startSimulator } from '@penstock/anthropic-simulator';
import { openRawConnection, type RawConnection } from '@penstock/test-support';
import { expect, it, onTestFinished } from 'vitest';
import { startTestGateway } from '../start-test-gateway.ts';

const KEY = 'pen_key-of-a-client-that-keeps-its-connection-01';
const CLIENT = { name: 'keeper', key_sha256: createHash('sha256').update(KEY).digest('hex'), routes: ['messages', 'models', 'front_door'] };
const QUESTION = { model: 'sim-text', max_tokens: 8, messages: [{ role: 'user', content: 'Hi' }] };
const MESSAGES = '/anthropic/v1/messages';
const CHAT = '/v1/chat/completions';
const WARM_UP_ROUNDS = 3;
const ROUNDS = 30;

interface Request {
  readonly status: number;
  readonly path: string;
  readonly body?: string;
  readonly key?: string;
  readonly method?: string;
  /** The body leaves only when the answer has come. */
  readonly isBodyLate?: boolean;
}

const REQUESTS: readonly Request[] = [
  { status: 200, path: MESSAGES, body: JSON.stringify(QUESTION) },
  { status: 200, path: MESSAGES, body: JSON.stringify({ ...QUESTION, stream: true }) },
  { status: 200, path: '/anthropic/v1/models' },
  { status: 200, path: '/anthropic/api/hello', method: 'HEAD' },
  { status: 200, path: '/anthropic/health' },
  { status: 400, path: MESSAGES, body: '{"model": nope}' },
  { status: 401, path: MESSAGES, key: 'wrong', body: JSON.stringify(QUESTION), isBodyLate: true },
  { status: 404, path: '/anthropic/v1/nowhere', body: '{}', isBodyLate: true },
  { status: 200, path: CHAT, body: JSON.stringify({ ...QUESTION, model: 'claude-sim' }) },
  { status: 200, path: CHAT, body: JSON.stringify({ ...QUESTION, model: 'claude-sim', stream: true }) },
  { status: 400, path: CHAT, body: '{"model": nope}' },
  { status: 404, path: '/nowhere', body: '{}', isBodyLate: true },
];

async function ask(connection: RawConnection, { path, body = '', key = KEY, method = body === '' ? 'GET' : 'POST', isBodyLate = false }: Request): Promise<number> {
  const length = body === '' ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  connection.send(`${method} ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\n${length}\r\n${isBodyLate ? '' : body}`);
  const { startLine } = await connection.readMessage({ kind: 'response', toHead: method === 'HEAD' });
  if (isBodyLate) connection.send(body);
  return Number(startLine.split(' ')[1]);
}

/** How many listeners each socket that is still open has for each event. */
function countListeners(sockets: readonly Socket[]): Record<string, number>[] {
  return sockets.filter(({ destroyed }) => !destroyed).map((socket) => Object.fromEntries(socket.eventNames().map((name) => [String(name), socket.listenerCount(name)])));
}

it('no connection gathers listeners, however many requests it carries and however they end (what is kept for hours must not grow)', async () => {
  const sockets: Socket[] = [];
  const note = (message: unknown): void => { sockets.push((message as { readonly socket: Socket }).socket); };
  // Both ends of all connections of this process: the client's, ours and the upstream's.
  for (const channel of ['net.server.socket', 'net.client.socket']) {
    subscribe(channel, note);
    onTestFinished(() => { unsubscribe(channel, note); });
  }
  await using simulator = await startSimulator({ pacing: { firstTokenMs: 0, tokensPerSecond: 100_000, pingIntervalMs: 15_000 } });
  const pool = { max_connections: 1, max_keepalive_connections: 1 };
  await using gateway = await startTestGateway(simulator.origin, { clients: [CLIENT], anthropic_native: { pool }, openai_front_door: { pool } });
  const connection = await openRawConnection(gateway.port);
  const run = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) for (const request of REQUESTS) expect([request.path, await ask(connection, request)]).toEqual([request.path, request.status]);
  };
  await run(WARM_UP_ROUNDS);
  const before = countListeners(sockets);
  await run(ROUNDS);
  expect(countListeners(sockets)).toEqual(before);
  // The client's connection, one to the upstream for each side, and the other ends of them.
  expect(before).toHaveLength(6);
  expect(connection.end()).toBe('open');
  connection.close();
});
