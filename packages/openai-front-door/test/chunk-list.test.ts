import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ChunkList } from '../src/chunk-list.ts';
import { FrontDoorError } from '../src/index.ts';
import { gatherBody, gatherErrorText } from '../src/routes/gather-body.ts';
import { createEventDecoder } from '../src/messages-core/event-decoder.ts';

const MIB = 1024 * 1024;

async function* inOneByteChunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < bytes.length; index += 1) yield bytes.subarray(index, index + 1);
}

it('joins what was appended, however it was cut', () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(16_383, 16_384, 65_536, 70_000)), { maxLength: 30 }), (lengths) => {
    const list = new ChunkList();
    const chunks = lengths.map((length, index) => Buffer.alloc(length, index + 1));
    for (const chunk of chunks) list.append(chunk);
    expect(list.byteLength).toBe(Buffer.concat(chunks).length);
    expect(list.join().equals(Buffer.concat(chunks))).toBe(true);
    expect([list.byteLength, list.pieces]).toEqual([0, 0]);
  }), { numRuns: 100 });
});

it('holds a body of one-byte chunks in blocks of 64 KiB (a Buffer a byte takes 140 bytes)', () => {
  const list = new ChunkList();
  const chunk = Buffer.of(7);
  for (let index = 0; index < MIB; index += 1) list.append(chunk);
  expect([list.byteLength, list.pieces]).toEqual([MIB, 16]);
});

it('gathers an answer of one-byte chunks and refuses one over its bound', async () => {
  const body = Buffer.from('{"a":"Grüße"}'.repeat(1000));
  expect((await gatherBody(inOneByteChunks(body), body.length)).equals(body)).toBe(true);
  await expect(gatherBody(inOneByteChunks(body), body.length - 1)).rejects.toBeInstanceOf(FrontDoorError);
  expect(await gatherErrorText(inOneByteChunks(body))).toBe(body.toString());
});

it('holds an event of one-byte chunks in blocks as well, and reads it', () => {
  const events: string[] = [];
  const decoder = createEventDecoder({ maxEventChars: MIB, onData: (data) => { events.push(data); } });
  const chunk = Buffer.from('x');
  decoder.write(Buffer.from('data: '));
  let most = 0;
  for (let index = 0; index < 300_000; index += 1) {
    decoder.write(chunk);
    most = Math.max(most, decoder.pieces());
  }
  decoder.write(Buffer.from('\n\n'));
  expect([events.map((event) => event.length), most]).toEqual([[300_000], 1]);
});
