import { fork } from 'node:child_process';
import { once } from 'node:events';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PIECE_BYTES, TURN_BYTES } from '@penstock/inbound-server';
import { scrubbedEnvironment } from '@penstock/test-support';
import { expect, test, onTestFinished } from 'vitest';
import { startTestGateway } from '../start-test-gateway.ts';

const WIRE_BYTES = 6_000_000;
/** So long nothing is read: the client's bytes gather in the connection, and come as fast as they can be read. */
const HELD_UP_MS = 200;
/** One read of Node, whose parser is not interrupted. */
const READ_BYTES = 65_536;

interface Turn { readonly bytes: number; readonly pieces: number }

/** What came of the gateway's request bodies in each turn of the event loop. */
function countTurns(path: string): readonly Turn[] {
  let turn = { bytes: 0, pieces: 0 };
  const turns: Turn[] = [turn];
  let isCounting = true;
  const nextTurn = (): void => {
    if (!isCounting) return;
    if (turn.pieces > 0) {
      turn = { bytes: 0, pieces: 0 };
      turns.push(turn);
    }
    setImmediate(nextTurn);
  };
  const onRequest = (event: unknown): void => {
    const { request } = event as { readonly request: IncomingMessage };
    if (request.url !== path) return;
    const push = request.push.bind(request);
    request.push = (chunk: Buffer | null) => {
      turn.bytes += chunk?.length ?? 0;
      turn.pieces += 1;
      return push(chunk);
    };
    const end = performance.now() + HELD_UP_MS;
    while (performance.now() < end);
  };
  subscribe('http.server.request.start', onRequest);
  setImmediate(nextTurn);
  onTestFinished(() => {
    isCounting = false;
    unsubscribe('http.server.request.start', onRequest);
  });
  return turns;
}

const ANSWER = '{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}';

/** An upstream that reads all of a request and answers it. */
async function startUpstream(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const JSON_TYPE = 'application/json';
const MULTIPART = 'multipart/form-data; boundary=b';

test.each([
  ['a native JSON body', '/anthropic/v1/messages/count_tokens', JSON_TYPE, 200],
  ['a native upload', '/anthropic/v1/files', MULTIPART, 200],
  ['a body of the front door', '/v1/chat/completions', JSON_TYPE, 200],
  ['a body that is thrown away', '/nowhere', JSON_TYPE, 404],
] as const)('%s from a fast client has the event loop for 256 KB in a row, or the pieces that are as much work, then others have their turn', async (_name, path, type, status) => {
  await using gateway = await startTestGateway(await startUpstream(), { openai_front_door: { models: [{ model: '*' }] } });
  for (const chunkBytes of [0, 1]) {
    const turns = countTurns(path);
    const client = fork(join(import.meta.dirname, 'send-large-body.ts'), [String(gateway.port), path, type, String(WIRE_BYTES), String(chunkBytes)], { env: scrubbedEnvironment() });
    expect(await once(client, 'message')).toEqual([status, undefined]);
    const mostBytes = Math.max(...turns.map(({ bytes }) => bytes));
    const mostPieces = Math.max(...turns.map(({ pieces }) => pieces));
    if (status === 200) expect(turns.length).toBeGreaterThan(3);
    expect(mostBytes).toBeLessThanOrEqual(TURN_BYTES + READ_BYTES);
    // What is read when the bound is reached comes as well.
    expect(mostPieces).toBeLessThanOrEqual(TURN_BYTES / PIECE_BYTES + READ_BYTES / 6);
  }
});
