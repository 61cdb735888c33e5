import { Buffer } from 'node:buffer';
import { crc32, gzipSync } from 'node:zlib';
import { EventStreamCodec, Int64 } from '@smithy/core/event-streams';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameBoundary, createFrameObserver, encodeExceptionFrame, encodeFrame, isObserverError, type FrameObserverOptions } from '../src/index.ts';

// AWS's own codec makes and reads the frames; nothing here trusts this package's encoder alone.
const codec = new EventStreamCodec((bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'), (text) => Buffer.from(text, 'utf8'));

function frameOf(eventType: string, payload: string): Buffer {
  const string = (value: string): { type: 'string'; value: string } => ({ type: 'string', value });
  return Buffer.from(codec.encode({
    headers: { ':event-type': string(eventType), ':content-type': string('application/json'), ':message-type': string('event') },
    body: Buffer.from(payload),
  }));
}

const FRAMES = [frameOf('chunk', '{"bytes":"eyJ0eXBlIjoicGluZyJ9","p":"abc"}'), frameOf('empty', ''), Buffer.from(codec.encode({ headers: {}, body: Buffer.alloc(0) })), frameOf('chunk', 'ü'.repeat(300))];
const STREAM = Buffer.concat(FRAMES);
const ENDS = FRAMES.map((_, index) => Buffer.concat(FRAMES.slice(0, index + 1)).length);

interface Seen { readonly frames: readonly string[]; readonly errors: readonly string[] }

function observe(chunks: readonly Uint8Array[], options: Partial<FrameObserverOptions> = {}, rawHeaders: readonly string[] = []): { seen: Seen; ended: Promise<void> | undefined } {
  const frames: string[] = [];
  const errors: string[] = [];
  const observer = createFrameObserver({
    ...options,
    onFrame: (frame) => { frames.push(`${frame.header(':event-type') ?? 'none'} ${frame.header(':content-type') ?? 'none'} ${Buffer.from(frame.payload).toString('utf8')}`); },
    onError: (error) => { errors.push(isObserverError(error) ? error.code : String(error)); },
  });
  observer.onHead(200, rawHeaders);
  for (const chunk of chunks) observer.onChunk(chunk);
  return { seen: { frames, errors }, ended: observer.onEnd('complete') };
}

const WHOLE = ['chunk application/json {"bytes":"eyJ0eXBlIjoicGluZyJ9","p":"abc"}', 'empty application/json ', 'none none ', `chunk application/json ${'ü'.repeat(300)}`];

describe('frame boundary', () => {
  it('is at a boundary behind each whole frame and nowhere else, cut at every byte', () => {
    for (let cut = 0; cut <= STREAM.length; cut += 1) {
      const boundary = createFrameBoundary();
      boundary.update(STREAM.subarray(0, cut));
      expect([cut, boundary.isAtBoundary]).toEqual([cut, cut === 0 || ENDS.includes(cut)]);
      boundary.update(STREAM.subarray(cut));
      expect(boundary.isAtBoundary).toBe(true);
    }
  });

  it('is never at a boundary behind bytes that begin no frame (a client would not read a frame that is written there)', () => {
    const wrong = Buffer.from(FRAMES[0] ?? []);
    wrong.writeUInt32BE(wrong.length + 1, 0);
    for (const bytes of [wrong, Buffer.from('event: ping\ndata: {}\n\n'), Buffer.alloc(12)]) {
      const boundary = createFrameBoundary();
      boundary.update(STREAM);
      boundary.update(bytes);
      boundary.update(STREAM);
      expect(boundary.isAtBoundary).toBe(false);
    }
  });
});

describe('frame observer', () => {
  it('reads the frames of AWS\'s encoder, cut at every byte', () => {
    for (let cut = 0; cut <= STREAM.length; cut += 1) {
      expect(observe([STREAM.subarray(0, cut), STREAM.subarray(cut)]).seen).toEqual({ frames: WHOLE, errors: [] });
    }
  });

  it('reads them in chunks of one byte, and from a compressed stream', async () => {
    expect(observe([...STREAM].map((byte) => Uint8Array.of(byte))).seen).toEqual({ frames: WHOLE, errors: [] });
    const { seen, ended } = observe([gzipSync(STREAM)], {}, ['Content-Encoding', 'gzip']);
    await ended;
    expect(seen).toEqual({ frames: WHOLE, errors: [] });
  });

  it('finds a string header behind headers of every type', () => {
    const bytes = Buffer.from(codec.encode({
      headers: {
        a: { type: 'boolean', value: true }, b: { type: 'boolean', value: false }, c: { type: 'byte', value: 1 }, d: { type: 'short', value: 2 }, e: { type: 'integer', value: 3 },
        f: { type: 'long', value: Int64.fromNumber(4) }, g: { type: 'binary', value: Uint8Array.of(1, 2, 3) }, h: { type: 'timestamp', value: new Date(5) },
        i: { type: 'uuid', value: '01234567-89ab-cdef-0123-456789abcdef' }, ':event-type': { type: 'string', value: 'last' },
      },
      body: Buffer.from('x'),
    }));
    expect(observe([bytes]).seen).toEqual({ frames: ['last none x'], errors: [] });
  });

  it('leaves a frame over the limit out and reads on', () => {
    expect(observe([STREAM], { maxEventBytes: 300 }).seen).toEqual({ frames: WHOLE.slice(0, 3), errors: ['event_too_large'] });
    expect(observe([FRAMES[3] ?? Buffer.alloc(0), STREAM], { maxEventBytes: 300 }).seen).toEqual({ frames: WHOLE.slice(0, 3), errors: ['event_too_large', 'event_too_large'] });
  });

  it('reads nothing behind a wrong checksum, wherever the wrong bit is', () => {
    const first = FRAMES[0] ?? Buffer.alloc(0);
    for (let index = 0; index < first.length; index += 1) {
      const wrong = Buffer.concat([first, STREAM]);
      wrong[index] = (wrong[index] ?? 0) ^ 1;
      expect([index, observe([wrong]).seen]).toEqual([index, { frames: [], errors: ['invalid_frame'] }]);
    }
  });

  it('reports no frame and at most one error for bytes of any kind', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), (chunks) => {
      const { frames, errors } = observe(chunks).seen;
      expect(frames).toEqual([]);
      expect(errors.length).toBeLessThanOrEqual(1);
    }));
  });

  it.each([
    ['a value longer than the rest', [1, 97, 7, 0, 9, 98]],
    ['no room for the length of a value', [1, 97, 7, 0]],
    ['a name without a type', [2, 97, 98]],
    ['a name longer than the rest', [99, 97, 7, 0, 1, 98]],
    ['an unknown type', [1, 97, 10, 0, 1, 98]],
  ])('finds no header behind %s (the payload is read all the same)', (_, before) => {
    const headers = Buffer.from([...before, 11, ...Buffer.from(':event-type'), 7, 0, 1, 99]);
    const frame = Buffer.alloc(17 + headers.length);
    frame.writeUInt32BE(frame.length, 0);
    frame.writeUInt32BE(headers.length, 4);
    frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
    frame.set([...headers, 120], 12);
    frame.writeUInt32BE(crc32(frame.subarray(0, frame.length - 4)), frame.length - 4);
    expect(observe([frame]).seen).toEqual({ frames: ['none none x'], errors: [] });
  });
});

describe('encodeFrame', () => {
  it('makes frames that AWS\'s codec reads', () => {
    const { headers, body } = codec.decode(encodeFrame({ ':message-type': 'event', ':event-type': 'chünk' }, Buffer.from('payload')));
    expect([headers, Buffer.from(body).toString()]).toEqual([{ ':message-type': { type: 'string', value: 'event' }, ':event-type': { type: 'string', value: 'chünk' } }, 'payload']);
  });

  it('makes exceptions that AWS\'s codec reads', () => {
    const { headers, body } = codec.decode(encodeExceptionFrame('internalServerException', 'the "stream" ended'));
    expect(headers).toEqual({
      ':message-type': { type: 'string', value: 'exception' }, ':exception-type': { type: 'string', value: 'internalServerException' }, ':content-type': { type: 'string', value: 'application/json' },
    });
    expect(JSON.parse(Buffer.from(body).toString())).toEqual({ message: 'the "stream" ended' });
  });

  it('refuses names and values that have no room in a header', () => {
    for (const headers of [{ '': 'a' }, { ['n'.repeat(256)]: 'a' }, { a: 'v'.repeat(65_536) }]) expect(() => encodeFrame(headers, Buffer.alloc(0))).toThrow(RangeError);
  });
});
