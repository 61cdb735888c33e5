import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { inChunksOf, lengthOf, repeatBytes, type RepeatedBytes } from '@penstock/test-support';
import { expect, it, onTestFinished } from 'vitest';
import type { UpstreamClient, UpstreamController } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';
import { CHUNK_BYTES, countTurn, TURN_BYTES, YIELD_BYTES, type TurnTaker } from '../src/exchange/response-turns.ts';
import { dispatchRequest, type DispatchResult } from './dispatch-request.ts';

/** So long nothing is read: the answer gathers in the connection, and comes as fast as it can be read. */
const HELD_UP_MS = 150;

interface Turn { bytes: number; chunks: number }

/** Calls back in each turn of the event loop. */
function everyTurn(call: () => void): void {
  let isOver = false;
  const next = (): void => {
    if (isOver) return;
    call();
    setImmediate(next);
  };
  setImmediate(next);
  onTestFinished(() => { isOver = true; });
}

function holdUp(): void {
  const end = performance.now() + HELD_UP_MS;
  while (performance.now() < end);
}

/** An answer of `bytes` on the wire, plain or in chunks of one byte. */
function answerOf(bytes: number, chunkBytes: number): RepeatedBytes {
  const body = repeatBytes('', 'x', '', chunkBytes === 0 ? bytes : bytes / 6);
  const sent = chunkBytes === 0 ? body : inChunksOf(chunkBytes, body);
  const framing = chunkBytes === 0 ? `content-length: ${lengthOf(body)}` : 'transfer-encoding: chunked';
  return { ...sent, first: Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`), sent.first]) };
}

/** A client of an upstream in another thread. */
async function clientFor(answer: RepeatedBytes): Promise<UpstreamClient> {
  const worker = new Worker(new URL('./flooding-upstream.ts', import.meta.url), { workerData: answer });
  const [port] = await once(worker, 'message') as [number];
  const client = createUpstreamClient({ origin: `http://127.0.0.1:${port}` });
  onTestFinished(async () => {
    await client[Symbol.asyncDispose]();
    await worker.terminate();
  });
  return client;
}

const LEAVE = (): void => undefined;
const PAUSE = (controller: UpstreamController): void => {
  controller.pause();
  queueMicrotask(() => controller.resume());
};

it.each([
  ['a counted body', 0, LEAVE], ['a body in chunks of one byte', 1, LEAVE], ['a body whose handler pauses and resumes with each chunk,', 0, PAUSE],
] as const)('%s of a fast upstream has the event loop for 256 KB in a row, or the chunks that are as much work, then others have their turn', async (_name, chunkBytes, act) => {
  const answer = answerOf(3_000_000, chunkBytes);
  const client = await clientFor(answer);
  const turns: Turn[] = [{ bytes: 0, chunks: 0 }];
  everyTurn(() => { if (turns.at(-1)?.chunks !== 0) turns.push({ bytes: 0, chunks: 0 }); });
  const { error, endings } = await dispatchRequest(client, {}, {
    onResponseStart: holdUp,
    onResponseData: (controller, chunk) => {
      act(controller as UpstreamController);
      const turn = turns.at(-1) as Turn;
      turn.bytes += chunk.length;
      turn.chunks += 1;
    },
  }).result;
  expect([error, endings]).toEqual([undefined, 1]);
  expect(turns.reduce((total, { bytes }) => total + bytes, 0)).toBeGreaterThan(400_000);
  expect(Math.max(...turns.map(({ bytes }) => bytes))).toBeLessThanOrEqual(TURN_BYTES);
  expect(Math.max(...turns.map(({ chunks }) => chunks))).toBeLessThanOrEqual(TURN_BYTES / CHUNK_BYTES);
});

/** Dispatches a request for 3 MB, and calls `act` with its first chunk that is followed by a turn of others. */
async function whileYielding(act: (pause: () => void, resume: () => void) => void): Promise<{ readonly result: Promise<DispatchResult>; readonly bytes: () => number }> {
  const client = await clientFor(answerOf(3_000_000, 0));
  let bytes = 0;
  let counted = 0;
  let hasActed = false;
  const { result } = dispatchRequest(client, {}, {
    onResponseData: (controller, chunk) => {
      bytes += chunk.length;
      counted += chunk.length + CHUNK_BYTES;
      if (hasActed || counted <= YIELD_BYTES) return;
      hasActed = true;
      // Just behind the chunk with which the response yields.
      queueMicrotask(() => act(() => controller.pause(), () => controller.resume()));
    },
  });
  return { result, bytes: () => bytes };
}

it('a handler that pauses while its response yields stays paused until it resumes', async () => {
  const { promise: paused, resolve } = Promise.withResolvers<() => void>();
  const { result, bytes } = await whileYielding((pause, resume) => {
    pause();
    resolve(resume);
  });
  const resume = await paused;
  const before = bytes();
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  expect(bytes()).toBe(before);
  resume();
  expect([(await result).error, bytes()]).toEqual([undefined, lengthOf(repeatBytes('', 'x', '', 3_000_000))]);
});

it('a handler that pauses and resumes while its response yields gets the rest', async () => {
  const { result, bytes } = await whileYielding((pause, resume) => {
    pause();
    resume();
  });
  expect([(await result).error, bytes()]).toEqual([undefined, lengthOf(repeatBytes('', 'x', '', 3_000_000))]);
});

it('a response yields before the read that could cross its bound, also where a read was short', () => {
  const pauses: number[] = [];
  const controller = { pause: () => { pauses.push(1); }, resume: () => undefined } as unknown as UpstreamController;
  const taker: TurnTaker = { phase: 'receiving', paused: false, isYielding: false, turnBytes: 0 };
  let read = 0;
  for (const bytes of [58, 65_536, 65_536, 65_536, 65_536]) {
    if (pauses.length > 0) break;
    read += bytes;
    countTurn(taker, controller, bytes);
  }
  expect(pauses).toEqual([1]);
  expect(read).toBeLessThanOrEqual(TURN_BYTES);
});
