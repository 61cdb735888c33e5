import { loadRecordings, readEvents, recordingsFolder } from '@penstock/test-support';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventObserver, type EventObserverOptions } from '../src/index.ts';

interface Told { readonly events: readonly { event: string; data: string }[]; readonly errors: readonly string[] }

/** Observes a body in pieces; every piece is overwritten after the call, as a socket buffer may be. */
function observe(pieces: readonly Uint8Array[], options: Partial<EventObserverOptions> & { events: readonly string[] }): Told {
  const events: { event: string; data: string }[] = [];
  const errors: string[] = [];
  const observer = createEventObserver({
    ...options,
    onEvent: (event, data) => { events.push({ event, data: Buffer.from(data).toString('utf8') }); },
    onError: (error) => { errors.push(error instanceof Error && 'code' in error ? String(error.code) : String(error)); },
  });
  for (const piece of pieces) {
    const chunk = Uint8Array.from(piece);
    observer.onChunk(chunk);
    chunk.fill(0x21);
  }
  void observer.onEnd('complete');
  return { events, errors };
}

function split(body: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let offset = 0;
  for (const cut of [...cuts.map((value) => value % (body.length + 1)).toSorted((a, b) => a - b), body.length]) {
    if (cut <= offset) continue;
    pieces.push(body.subarray(offset, cut));
    offset = cut;
  }
  return pieces;
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'utf8');

describe('createEventObserver', () => {
  it('event observer: reports the events it was asked for and no other', () => {
    const told = observe([bytesOf('event: a\ndata: 1\n\nevent: b\ndata: 2\n\ndata: 3\n\n')], { events: ['b', 'message'] });
    expect(told).toEqual({ events: [{ event: 'b', data: '2' }, { event: 'message', data: '3' }], errors: [] });
  });

  it.each([
    ['CRLF', 'event: a\r\ndata: 1\r\n\r\n', '1'], ['CR', 'event: a\rdata: 1\r\r', '1'], ['a BOM', '\ufeffevent: a\ndata: 1\n\n', '1'],
    ['no space after the colon', 'event:a\ndata:1\n\n', '1'], ['two spaces', 'event: a\ndata:  1\n\n', ' 1'], ['comments', ': x\nevent: a\n: y\ndata: 1\n\n', '1'],
    ['several data lines', 'event: a\ndata: 1\ndata\ndata: 3\n\n', '1\n\n3'], ['data before the name', 'data: 1\nevent: a\n\n', '1'],
    ['a name given twice', 'event: b\nevent: a\ndata: 1\n\n', '1'], ['unknown fields', 'id: 7\nevent: a\nretry: 1\ndatax: 2\ndata: 1\nevents: c\n\n', '1'],
  ])('reads %s', (_, text, data) => {
    expect(observe([bytesOf(text)], { events: ['a'] })).toEqual({ events: [{ event: 'a', data }], errors: [] });
  });

  it('event observer: does not report an unterminated tail (a strict reader discards it)', () => {
    expect(observe([bytesOf('event: a\ndata: 1\n')], { events: ['a'] }).events).toEqual([]);
  });

  it('reports an event over its limit and goes on with the next (bounded memory)', () => {
    const told = observe([bytesOf(`event: a\ndata: ${'x'.repeat(100)}\n\nevent: a\ndata: 1\n\n`)], { events: ['a'], maxEventBytes: 64 });
    expect(told).toEqual({ events: [{ event: 'a', data: '1' }], errors: ['event_too_large'] });
  });

  it('event observer: does not count an event that is not observed against the limit', () => {
    expect(observe([bytesOf(`event: b\ndata: ${'x'.repeat(100)}\n\n`)], { events: ['a'], maxEventBytes: 64 })).toEqual({ events: [], errors: [] });
  });

  it('reports an event that is renamed after its data was passed over', () => {
    expect(observe([bytesOf('event: b\ndata: 1\nevent: a\ndata: 2\n\n')], { events: ['a'] })).toEqual({ events: [], errors: ['event_ambiguous'] });
  });

  it('refuses a limit that is none', () => {
    expect(() => observe([], { events: [], maxEventBytes: -1 })).toThrow('maxEventBytes must be a positive integer, received -1');
  });

  it('event observer: reports the same events however the bytes are split (chunking invariance)', () => {
    const word = fc.constantFrom('event: a\n', 'event: bb\n', 'event:a\r\n', 'event: é\n', 'data: {"é":"😀"}\n', 'data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n', 'data\r', '\n', '\r\n', '\r', ': c\n', 'e', 'd', 'data: \n', '\ufeff', 'event\n');
    const text = fc.array(word, { maxLength: 24 }).map((words) => bytesOf(words.join('')));
    fc.assert(fc.property(text, fc.array(fc.nat(400), { maxLength: 30 }), (body, cuts) => {
      const options = { events: ['a', 'é', 'message'], maxEventBytes: 40 };
      expect(observe(split(body, cuts), options)).toEqual(observe([body], options));
    }), { numRuns: 5_000 });
  });

  it('event observer: reports the events of a strict parser for any stream (differential)', () => {
    const word = fc.constantFrom('event: a\n', 'event: a\r', 'data: 1\n', 'data:2\r\n', 'data', '\n', '\n', '\r\n', '\r', ': c\n', 'id: 1\n', ' data: x\n', '\ufeff');
    fc.assert(fc.property(fc.array(word, { maxLength: 20 }), fc.array(fc.nat(200), { maxLength: 10 }), (words, cuts) => {
      const body = bytesOf(words.join(''));
      expect(observe(split(body, cuts), { events: ['a', 'message'] }).events).toEqual(readEvents(body).events);
    }), { numRuns: 5_000 });
  });

  const recordings = loadRecordings('sse', 'transcripts');
  it.skipIf(recordings.length === 0)(`tells every event of every recording${recordingsFolder() === undefined ? ' (skipped: no recordings)' : ''}`, () => {
    for (const recording of recordings) {
      const expected = readEvents(recording.body).events;
      const events = [...new Set(expected.map(({ event }) => event))];
      expect(observe(split(recording.body, Array.from({ length: 40 }, (_, index) => index * 7919)), { events }).events, recording.name).toEqual(expected);
    }
  });
});
