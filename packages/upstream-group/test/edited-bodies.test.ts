import { array, assert, asyncProperty, constantFrom, integer, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editChunks, ReplayableBody, type BodyEdit, type RoutedRequest } from '../src/index.ts';
import { answerWith, send, startGroup, startUpstream } from './start-group.ts';

const POISON = 0xee;

/** Bytes that show where they belong, none of them poison. */
function chunksOf(sizes: readonly number[]): readonly Buffer[] {
  let given = 0;
  return sizes.map((size) => {
    const bytes = Buffer.alloc(size);
    for (let index = 0; index < size; index += 1) bytes[index] = (given + index) % 199;
    given += size;
    return bytes;
  });
}

/** What an edited body has to be, made by copying. */
function edited(whole: Buffer, { start, end, bytes }: BodyEdit): Buffer {
  return Buffer.concat([whole.subarray(0, start), bytes, whole.subarray(end)]);
}

/** A place in a body of some length, and what stands there instead. */
function editOf(length: number, [at, size, replaced]: readonly [number, number, number]): BodyEdit {
  const start = at % length;
  return { start, end: start + 1 + (size % (length - start)), bytes: Buffer.alloc(replaced, 'R') };
}

/** Edits the body for some members. */
function routeWith(edits: Readonly<Record<string, BodyEdit>>, length: number): RoutedRequest {
  return {
    requestFor(member) {
      const body = edits[member];
      return { body, headers: ['content-length', String(length + (body === undefined ? 0 : body.bytes.length - (body.end - body.start)))] };
    },
  };
}

describe('an edited body', () => {
  it('has the bytes of the edit in place of its own and all others unchanged, without copying them, wherever its chunks end', () => {
    assert(property(array(integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 12 }), nat(), nat(), nat(20), (sizes, at, size, replaced) => {
      const chunks = chunksOf([...sizes, 1]);
      const whole = Buffer.concat(chunks);
      const edit = editOf(whole.length, [at, size, replaced]);
      const pieces = editChunks(chunks, edit);
      expect(Buffer.concat(pieces).equals(edited(whole, edit))).toBe(true);
      const memory = new Set([edit.bytes, ...chunks].map(({ buffer }) => buffer));
      expect(pieces.every(({ buffer }) => memory.has(buffer))).toBe(true);
    }));
  });

  it.each([[{ start: 4, end: 9 }], [{ start: -1, end: 2 }], [{ start: 2, end: 2 }], [{ start: 3, end: 2 }]])('cannot be edited outside of it: %j', (place) => {
    const edit = { ...place, bytes: Buffer.from('x') };
    expect(() => editChunks([Buffer.from('12345678')], edit)).toThrow(RangeError);
    expect(() => new ReplayableBody([Buffer.from('12345678')]).open(edit)).toThrow(RangeError);
  });

  it('arrives edited at the members that need it and unchanged at the others, whatever was freed of it on the way, and each chunk is freed once', async () => {
    const upstreams = await Promise.all([529, 529, 200].map((status) => startUpstream(answerWith(status, 'of a member'))));
    await using world = startGroup(upstreams, { coolDownMs: [1, 1] });
    let freed = 0;
    const sizes = array(integer({ min: 1, max: 120_000 }), { minLength: 1, maxLength: 14 });
    await assert(asyncProperty(sizes, nat(), nat(1_000), nat(300), constantFrom('a', 'b', 'c', 'ab', 'ac', 'bc', 'abc'), async (lengths, at, size, replaced, editing) => {
      const chunks = chunksOf(lengths);
      const whole = Buffer.concat(chunks);
      const edit = editOf(whole.length, [at, size, replaced]);
      const edits = Object.fromEntries(editing.split('').map((member) => [member, edit]));
      const seen = new Set<Uint8Array>();
      const body = new ReplayableBody(chunks, (chunk) => {
        expect(seen.has(chunk)).toBe(false);
        seen.add(chunk);
        chunk.fill(POISON);
        freed += 1;
      });
      expect((await send(world.group, { body, route: routeWith(edits, whole.length) })).status).toBe(200);
      for (const [index, upstream] of upstreams.entries()) {
        const expected = edits['abc'[index] ?? ''] === undefined ? whole : edited(whole, edit);
        for (const arrival of upstream.arrivals.splice(0)) expect(arrival.body.equals(expected)).toBe(true);
      }
      expect(body.heldBytes).toBe(0);
    }), { numRuns: 40 });
    expect(freed).toBeGreaterThan(0);
  });

  it('is freed chunk by chunk where only one member may serve it, the chunk with the edit included', async () => {
    const chunks = chunksOf(Array.from({ length: 32 }, () => 65_536));
    const whole = Buffer.concat(chunks);
    let freed = 0;
    let freedAtArrival = -1;
    const body = new ReplayableBody(chunks, (chunk) => { freed += chunk.length; chunk.fill(POISON); });
    const first = await startUpstream((_arrival, response) => { freedAtArrival = freed; response.end('served'); });
    await using world = startGroup([first]);
    const edit = { start: 65_530, end: 65_546, bytes: Buffer.from('the other name') };
    expect((await send(world.group, { body, route: routeWith({ a: edit }, whole.length) })).status).toBe(200);
    expect(first.arrivals[0]?.body.equals(edited(whole, edit))).toBe(true);
    expect(freedAtArrival).toBeGreaterThanOrEqual(whole.length - 65_536);
    expect([freed, body.heldBytes]).toEqual([whole.length, 0]);
  });

  it('holds a chunk until its last piece was sent, where it is released between two of them', () => {
    const freed: Uint8Array[] = [];
    const chunks = chunksOf([10, 10]);
    const body = new ReplayableBody(chunks, (chunk) => { freed.push(chunk); });
    const sent = body.open({ start: 3, end: 5, bytes: Buffer.from('x') });
    const pieces = sent[Symbol.iterator]();
    pieces.next();
    pieces.next();
    sent.onFlushed();
    body.release();
    expect([freed, body.heldBytes]).toEqual([[], 20]);
    pieces.next();
    sent.onFlushed();
    expect([freed, body.heldBytes]).toEqual([[chunks[0]], 10]);
    pieces.next();
    sent.onFlushed();
    expect([freed, pieces.next().done, body.heldBytes]).toEqual([chunks, true, 0]);
  });

  it('gives nothing more once another try began, a begun chunk included', () => {
    const body = new ReplayableBody(chunksOf([10]));
    const first = body.open({ start: 3, end: 5, bytes: Buffer.from('x') })[Symbol.iterator]();
    first.next();
    body.open();
    expect(first.next()).toEqual({ done: true, value: undefined });
  });

  it.each([['text', 'the text'], ['bytes', Buffer.from('the text')], ['a list', [Buffer.from('the '), Buffer.from('text')]]])('may be %s, too', async (_kind, body) => {
    const first = await startUpstream(answerWith(503, 'unavailable'));
    const second = await startUpstream(answerWith(200, 'served'));
    await using world = startGroup([first, second]);
    const edit = { start: 2, end: 6, bytes: Buffer.from('rmostat i') };
    expect((await send(world.group, { body, route: routeWith({ b: edit }, 8) })).status).toBe(200);
    expect([first, second].map(({ arrivals }) => arrivals[0]?.body.toString())).toEqual(['the text', 'thrmostat ixt']);
  });

  it('cannot be a stream: the member that needs the edit is passed over', async () => {
    const first = await startUpstream(answerWith(200, 'served'));
    const second = await startUpstream(answerWith(200, 'served'));
    await using world = startGroup([first, second]);
    const edit = { start: 0, end: 1, bytes: Buffer.from('x') };
    const body = { *[Symbol.iterator]() { yield Buffer.from('streamed'); } };
    expect((await send(world.group, { body, route: routeWith({ a: edit }, 8) })).status).toBe(200);
    expect([first.arrivals.length, second.arrivals[0]?.body.toString(), world.failovers]).toEqual([0, 'streamed', ['a>b not_sent']]);
  });
});
