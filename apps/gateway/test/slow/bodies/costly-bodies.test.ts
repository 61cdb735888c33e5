import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { scrubbedEnvironment } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestGateway, type TestGateway } from '../../start-test-gateway.ts';
import { COSTLY_ANSWERS, COSTLY_REQUESTS } from './costly-bodies.ts';

/** As much JSON as the event loop's own thread reads or writes in one piece, in characters; what is longer is work for another thread. */
const MOST_CHARACTERS = 160 * 1024;
/** A number that is kept as it was written is parsed within a text that keeps it. */
const MOST_OF_KEPT_NUMBERS = 10 * 128 * 1024;
/** Over what the process had before: texts and objects of one body, on the thread that reads it. */
const MOST_MEMORY_MB = 320;
const MB = 1024 * 1024;

let peer: ChildProcess;
let gateway: TestGateway;

beforeAll(async () => {
  peer = fork(join(import.meta.dirname, 'costly-peer.ts'), { env: scrubbedEnvironment() });
  const [{ port }] = await once(peer, 'message') as [{ readonly port: number }];
  const origin = `http://127.0.0.1:${port}`;
  gateway = await startTestGateway(origin, {
    openai_front_door: {
      backends: [{ name: 'claude', kind: 'anthropic', base_url: origin, api_key: 'k' }, { name: 'other', kind: 'openai', base_url: `${origin}/v1`, api_key: 'k' }],
      models: [{ model: 'claude-*', backend: 'claude' }, { model: '*', backend: 'other' }],
    },
  });
});

afterAll(async () => {
  await gateway.close();
  peer.kill();
});

interface Cost {
  readonly status: number;
  readonly bytes: number;
  /** The longest text of JSON that this thread read or wrote at once. */
  readonly longestJson: number;
  readonly memoryMb: number;
}

/** Has the peer do one thing and watches what this thread and this process take for it. */
async function costOf(order: Readonly<Record<string, string>>): Promise<Cost> {
  const before = process.memoryUsage.rss();
  let longestJson = 0;
  let peak = before;
  let isOver = false;
  const turn = (): void => {
    peak = Math.max(peak, process.memoryUsage.rss());
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  using parsed = vi.spyOn(JSON, 'parse');
  using written = vi.spyOn(JSON, 'stringify');
  peer.send({ origin: gateway.origin, ...order });
  const exited = once(peer, 'exit').then(() => Promise.reject(new Error('the peer ended')));
  const [{ status, bytes }] = await Promise.race([once(peer, 'message'), exited]).finally(() => { isOver = true; }) as [{ readonly status: number; readonly bytes: number }];
  for (const [text] of parsed.mock.calls) longestJson = Math.max(longestJson, text.length);
  for (const { value } of written.mock.results) longestJson = Math.max(longestJson, typeof value === 'string' ? value.length : 0);
  return { status, bytes, longestJson, memoryMb: Math.round((peak - before) / MB) };
}

async function expectCheap(kind: 'translated' | 'relayed', name: string, order: Readonly<Record<string, string>>): Promise<void> {
  const { status, bytes, longestJson, memoryMb } = await costOf(order);
  console.info(`${kind}, ${name}: ${bytes} bytes, status ${status}, longest JSON ${longestJson} characters, memory +${memoryMb} MB`);
  expect([200, 400, 413, 502]).toContain(status);
  expect(longestJson).toBeLessThanOrEqual(name.includes('numbers that are kept') ? MOST_OF_KEPT_NUMBERS : MOST_CHARACTERS);
  expect(memoryMb).toBeLessThan(MOST_MEMORY_MB);
}

describe.each([['translated', 'claude-x'], ['relayed', 'gpt-x']] as const)('a request that is %s', (kind, model) => {
  test.each(Object.keys(COSTLY_REQUESTS))('holds no turn of the event loop for long, nor memory of many times its size: %s', async (request) => {
    await expectCheap(kind, request, { model, request });
  });
});

test.each(Object.keys(COSTLY_ANSWERS))('an answer that is translated holds no turn of the event loop for long, nor memory of many times its size: %s', async (answer) => {
  await expectCheap('translated', `answer, ${answer}`, { model: 'claude-x', answer });
});
