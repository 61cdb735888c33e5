import { fork } from 'node:child_process';
import { once } from 'node:events';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { startSimulator } from '@penstock/anthropic-simulator';
import { scrubbedEnvironment } from '@penstock/test-support';
import { expect, it, onTestFinished } from 'vitest';
import { startTestGateway } from '../start-test-gateway.ts';

const BODY_BYTES = 12_000_000;
/** So long nothing is read: the client's bytes gather in the connection, and come as fast as they can be read. */
const HELD_UP_MS = 200;

/** How many bytes of request bodies for a path of the gateway came in each turn of the event loop. */
function bytesByTurn(path: string): readonly number[] {
  const turns: number[] = [0];
  let isCounting = true;
  const nextTurn = (): void => {
    if (!isCounting) return;
    if (turns.at(-1) !== 0) turns.push(0);
    setImmediate(nextTurn);
  };
  const onRequest = (event: unknown): void => {
    const { request } = event as { readonly request: IncomingMessage };
    if (request.url !== path) return;
    const push = request.push.bind(request);
    request.push = (chunk: Buffer | null) => {
      turns[turns.length - 1] = (turns.at(-1) ?? 0) + (chunk?.length ?? 0);
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

it.each(['/anthropic/v1/messages/count_tokens', '/v1/chat/completions'])('a large body from a fast client does not have the process to itself: others have their turn between each 256 KB (%s)', async (path) => {
  await using simulator = await startSimulator();
  await using gateway = await startTestGateway(simulator.origin);
  const client = fork(join(import.meta.dirname, 'send-large-body.ts'), [gateway.origin + path, String(BODY_BYTES)], { env: scrubbedEnvironment() });
  const turns = bytesByTurn(path);
  const [status] = await once(client, 'message') as [number];
  expect(status).toBe(200);
  expect(turns.reduce((total, bytes) => total + bytes, 0)).toBeGreaterThan(BODY_BYTES);
  // What was read together with the last piece comes as well: one or two reads of 64 KB.
  expect(Math.max(...turns)).toBeLessThanOrEqual(256 * 1024 + 2 * 65_536);
});
