import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { ChunkList } from '@penstock/inbound-server';
import type { Dispatcher } from 'undici';
import { expect, test } from 'vitest';
import { ResponseBody } from '../../src/front-door/response-body.ts';
import { createBodyDecoder } from '../../src/body/decode-body.ts';
import { ResultsUrlText } from '../../src/native/rewrite-results-url.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const KB = 1024;
/** Objects that each part has whatever it keeps, and pages that a collection leaves. */
const FIXED_BYTES = 128 * KB;
/** A copy beside the bytes, and what a block that is not full yet has more. */
const MOST_TIMES = 3;

/** Keeps bytes as a part of the gateway does; the result is held while the memory is measured. */
type Keep = (body: Buffer) => unknown;

const controller = { paused: false, pause: () => undefined, resume: () => undefined, abort: () => undefined, rawHeaders: [] } as unknown as Dispatcher.DispatchController;
const oneByOne = (body: Buffer, take: (byte: Buffer) => void): void => { for (let index = 0; index < body.length; index += 1) take(Buffer.from(body.subarray(index, index + 1))); };

const PARTS: readonly (readonly [name: string, body: Buffer, keep: Keep])[] = [
  ['a gathered request body', Buffer.alloc(1_000 * KB), (body) => {
    const list = new ChunkList();
    oneByOne(body, (byte) => list.append(byte));
    return list;
  }],
  ['a compressed request body that the decoder has not read yet', gzipSync(randomBytes(1_000 * KB)), (body) => {
    const decoder = createBodyDecoder('gzip', () => undefined);
    oneByOne(body, (byte) => decoder?.write(byte));
    return decoder;
  }],
  ['an answer that the front door has not read yet', Buffer.alloc(1_000 * KB), (body) => {
    const response = new ResponseBody(new AbortController().signal, { beginTrace: () => undefined, onHead: () => undefined, onStreamOpened: () => undefined, onStreamClosed: () => undefined, describeFailure: (error: Error) => error }, undefined);
    oneByOne(body, (byte) => response.onResponseData(controller, byte));
    return response;
  }],
  ['a batch object whose URL is rewritten', Buffer.from(`{"results_url":"${'x'.repeat(1_000 * KB)}`), (body) => {
    const text = new ResultsUrlText({ origins: [], base: '' });
    oneByOne(body, (byte) => text.write(byte));
    return text;
  }],
];

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test.each(PARTS)('%s costs at most three times its bytes when they come in chunks of one byte (no object for each chunk)', (_name, body, keep) => {
  const before = heldBytes();
  const kept = keep(body);
  const held = heldBytes() - before;
  expect(kept).toBeDefined();
  expect(held).toBeLessThan(MOST_TIMES * body.length + FIXED_BYTES);
});
