import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { createUsageObserver, type UsageObserver } from '../src/index.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const KB = 1024;
const JSON_HEAD = ['content-type', 'application/json'];
const STREAM_HEAD = ['content-type', 'text/event-stream'];
/** Objects that an observer has whatever it reads, and pages that a collection leaves. */
const FIXED_BYTES = 128 * KB;
/** A gathered body doubles its buffer when it is full, and has two of them while it does. */
const MOST_TIMES = 3;

const event = (lines: string): Buffer => Buffer.from(`event: message_start\n${lines}`);

const BODIES: readonly (readonly [name: string, head: readonly string[], body: Buffer, options: Record<string, number>])[] = [
  ['a JSON body of text', JSON_HEAD, Buffer.from(`{"content":"${'x'.repeat(1_000 * KB)}`), {}],
  ['a JSON body that is one long number', JSON_HEAD, Buffer.from('1'.repeat(1_000 * KB)), {}],
  ['a JSON body of members', JSON_HEAD, Buffer.from(`{${'"usage":{},"model":"m",'.repeat(20_000)}`), {}],
  ['a member that is read and goes on', JSON_HEAD, Buffer.from(`{"usage":{"x":"${'y'.repeat(900 * KB)}`), { maxMemberBytes: KB * KB }],
  ['nested arrays', JSON_HEAD, Buffer.from(`{"content":${'['.repeat(500 * KB)}`), {}],
  ['one data line that goes on', STREAM_HEAD, event(`data: ${'x'.repeat(250 * KB)}`), {}],
  ['an event of many data lines', STREAM_HEAD, event('data\n'.repeat(50 * KB)), {}],
  ['a compressed JSON body that the decoder has not read yet', [...JSON_HEAD, 'content-encoding', 'gzip'], gzipSync(randomBytes(900 * KB)), {}],
];

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function observe(head: readonly string[], body: Buffer, options: Record<string, number>): UsageObserver {
  const observer = createUsageObserver(options);
  observer.onHead(200, head);
  for (const byte of body) observer.onChunk(Uint8Array.of(byte));
  return observer;
}

it.each(BODIES)('an observer of %s holds at most three times its bytes when they come in chunks of one byte (no object for each chunk)', async (_name, head, body, options) => {
  const before = heldBytes();
  const observer = observe(head, body, options);
  const held = heldBytes() - before;
  await observer.onEnd('client_gone');
  expect(held).toBeLessThan(MOST_TIMES * body.length + FIXED_BYTES);
});

it('an observer of a JSON body holds only the members it reads (a body of any size is read)', () => {
  const observer = createUsageObserver();
  observer.onHead(200, JSON_HEAD);
  const text = Buffer.alloc(64 * KB, 'x');
  const before = heldBytes();
  observer.onChunk(Buffer.from('{"model":"m","content":[{"type":"text","text":"'));
  for (let written = 0; written < 32 * KB * KB; written += text.length) observer.onChunk(text);
  const held = heldBytes() - before;
  observer.onChunk(Buffer.from('"}],"usage":{"input_tokens":5,"output_tokens":6}}'));
  void observer.onEnd('complete');
  expect(held).toBeLessThan(FIXED_BYTES);
  expect(observer.result()).toMatchObject({ model: 'm', source: 'final', usage: { input: 5, output: 6 } });
});
