import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { scrubbedEnvironment } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../start-test-gateway.ts';
import { COSTLY_ANSWERS, COSTLY_REQUESTS } from './costly-bodies.ts';

/** CPU time of this thread in one turn of the event loop. */
const LONGEST_TURN_MS = { translated: 100, relayed: 50 } as const;
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
  readonly longestTurnMs: number;
  readonly memoryMb: number;
}

/** Has the peer do one thing and watches what this thread and this process take for it. */
async function costOf(order: Readonly<Record<string, string>>): Promise<Cost> {
  const before = process.memoryUsage.rss();
  let longestTurn = 0;
  let peak = before;
  let isOver = false;
  let last = process.threadCpuUsage();
  const turn = (): void => {
    const { user, system } = process.threadCpuUsage(last);
    longestTurn = Math.max(longestTurn, user + system);
    peak = Math.max(peak, process.memoryUsage.rss());
    last = process.threadCpuUsage();
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  peer.send({ origin: gateway.origin, ...order });
  const exited = once(peer, 'exit').then(() => Promise.reject(new Error('the peer ended')));
  const [{ status, bytes }] = await Promise.race([once(peer, 'message'), exited]).finally(() => { isOver = true; }) as [{ readonly status: number; readonly bytes: number }];
  return { status, bytes, longestTurnMs: longestTurn / 1000, memoryMb: Math.round((peak - before) / MB) };
}

async function expectCheap(kind: keyof typeof LONGEST_TURN_MS, name: string, order: Readonly<Record<string, string>>): Promise<void> {
  const { status, bytes, longestTurnMs, memoryMb } = await costOf(order);
  console.info(`${kind}, ${name}: ${bytes} bytes, status ${status}, longest turn ${longestTurnMs.toFixed(0)} ms, memory +${memoryMb} MB`);
  expect([200, 400, 413, 502]).toContain(status);
  expect(longestTurnMs).toBeLessThan(LONGEST_TURN_MS[kind]);
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
