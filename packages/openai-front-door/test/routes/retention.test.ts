import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import { openRawConnection, type RawConnection } from '@penstock/test-support';
import { expect, it } from 'vitest';
import type { BackendRequest } from '../../src/index.ts';
import { answerJson, messageEvents } from '../support/messages-upstream.ts';
import { startFrontDoor } from '../support/start-front-door.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const STREAMS = 8;
const REQUEST_BYTES = 2 * 1024 * 1024;
const BEGUN = messageEvents([]).split('event: message_delta')[0] ?? '';

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A conversation of many turns, as agents send it again with every step. */
function longRequest(model: string, path: string): Buffer {
  const turn = { content: 'word '.repeat(200) };
  const messages = Array.from({ length: REQUEST_BYTES / 1024 }, (_, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', ...turn }));
  const conversation = [...messages, { role: 'user', content: 'x' }];
  const body = Buffer.from(JSON.stringify({ model, stream: true, ...(path.endsWith('responses') ? { input: conversation } : { messages: conversation }) }));
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`), body]);
}

async function openStream(port: number, model: string, path: string): Promise<RawConnection> {
  const connection = await openRawConnection(port);
  connection.send(longRequest(model, path));
  await connection.waitFor((bytes) => bytes.includes('data: '));
  return connection;
}

it.each([['claude-x', '/v1/chat/completions'], ['gpt-x', '/v1/chat/completions'], ['claude-x', '/v1/responses'], ['gpt-x', '/v1/responses']] as const)('holds nothing of a request nor of the head of its answer while that streams, translated or relayed (%s %s; a stream may last for minutes, and its conversation be megabytes)', async (model, path) => {
  const held: WeakRef<object>[] = [];
  const send = async ({ body }: BackendRequest, signal: AbortSignal) => {
    const rawHeaders = ['content-type', 'text/event-stream'];
    held.push(new WeakRef(body ?? {}), new WeakRef(rawHeaders));
    return {
      status: 200, rawHeaders,
      body: (async function* begun() {
        yield Buffer.from(BEGUN);
        await new Promise((_resolve, reject) => { signal.addEventListener('abort', () => { reject(new Error('aborted')); }); });
      })(),
    };
  };
  await using door = await startFrontDoor(answerJson({}), {
    backends: { anthropic: { kind: 'anthropic', send }, openai: { kind: 'openai', send } }, models: [{ match: 'claude-*', backend: 'anthropic' }, { match: '*', backend: 'openai' }],
  });
  (await openStream(door.port, model, path)).close();
  await door.settled();
  const before = heldBytes();
  const connections: RawConnection[] = [];
  for (let index = 0; index < STREAMS; index += 1) connections.push(await openStream(door.port, model, path));
  await expect.poll(() => {
    const grown = heldBytes() - before;
    return [held.filter((part) => part.deref() !== undefined).length, grown < STREAMS * REQUEST_BYTES / 8];
  }).toEqual([0, true]);
  expect(door.frontDoor.openRequests()).toBe(STREAMS);
  for (const connection of connections) connection.close();
});
