import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { array, assert, asyncProperty, constantFrom, integer } from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ReplayableBody } from '../src/index.ts';
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

/** A body whose freed memory is spoiled: what is freed too early corrupts the bytes that are sent. */
function spoiledBody(sizes: readonly number[]): { body: ReplayableBody; expected: Buffer; freed: () => number; headers: string[] } {
  const chunks = chunksOf(sizes);
  const expected = Buffer.concat(chunks);
  let freed = 0;
  const body = new ReplayableBody(chunks, (chunk) => { freed += chunk.length; chunk.fill(POISON); });
  return { body, expected, freed: () => freed, headers: ['content-length', String(expected.length)] };
}

/** Refuses at once, reads slowly after it, and gives what it read of the body; the connection of such a try still reads chunks. */
async function startEarlyRefusal(answer: string): Promise<{ origin: string; received: Promise<Buffer>; stop(): Promise<void> }> {
  const received = Promise.withResolvers<Buffer>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const chunks: Buffer[] = [];
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', (head: Buffer) => {
      chunks.push(head);
      socket.pause();
      socket.write(answer);
      setTimeout(() => { socket.on('data', (chunk: Buffer) => { chunks.push(chunk); }); socket.resume(); }, 50);
    });
    socket.once('close', () => { received.resolve(Buffer.concat(chunks)); });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received: received.promise,
    stop: async () => { for (const socket of sockets) socket.destroy(); server.close(); await once(server, 'close'); },
  };
}

describe('a ReplayableBody', () => {
  it('arrives whole at the member that serves it, however it is cut, and whatever was freed of it on the way', async () => {
    const first = await startUpstream(answerWith(529, 'overloaded'));
    const second = await startUpstream(answerWith(200, 'served'));
    await using world = startGroup([first, second], { coolDownMs: [1, 1] });
    let freed = 0;
    await assert(asyncProperty(array(integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 20 }), constantFrom(529, 200), async (sizes, status) => {
      first.answer = answerWith(status, 'of the first');
      const { body, expected, headers, freed: freedNow } = spoiledBody(sizes);
      expect((await send(world.group, { body, headers })).status).toBe(200);
      for (const upstream of [first, second]) for (const arrival of upstream.arrivals.splice(0)) expect(arrival.body.equals(expected)).toBe(true);
      freed += freedNow();
    }), { numRuns: 40 });
    expect(freed).toBeGreaterThan(0);
  });

  it('is held in full while another member may be asked, and freed when the head of the last try came', async () => {
    const first = await startUpstream(() => undefined);
    const second = await startUpstream(answerWith(200, 'served'));
    await using world = startGroup([first, second]);
    const { body, freed, headers, expected } = spoiledBody(Array.from({ length: 32 }, () => 65_536));
    const ended = send(world.group, { body, headers });
    let heldAtArrival = -1;
    let freedAtArrival = -1;
    first.answer = (_arrival, response) => {
      heldAtArrival = body.heldBytes;
      freedAtArrival = freed();
      response.writeHead(529).end('overloaded');
    };
    expect((await ended).status).toBe(200);
    expect([heldAtArrival, freedAtArrival]).toEqual([expected.length, 0]);
    expect(body.heldBytes).toBe(0);
    expect(freed()).toBe(expected.length);
  });

  it('is freed chunk by chunk where only one member may serve it', async () => {
    let freedAtArrival = -1;
    const { body, freed, headers, expected } = spoiledBody(Array.from({ length: 32 }, () => 65_536));
    const first = await startUpstream((_arrival, response) => { freedAtArrival = freed(); response.end('served'); });
    const second = await startUpstream(answerWith(200, 'served'));
    await using world = startGroup([first, second]);
    expect((await send(world.group, { body, headers, route: { only: 'a' } })).status).toBe(200);
    expect(freedAtArrival).toBeGreaterThanOrEqual(expected.length - 65_536);
  });

  it('is left to the collector where a connection of an earlier try may still read it (a use after free)', async () => {
    const first = await startEarlyRefusal('HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n');
    const second = await startUpstream(answerWith(200, 'served'));
    await using world = startGroup([first, second]);
    const { body, expected, freed, headers } = spoiledBody(Array.from({ length: 400 }, () => 65_536));
    expect((await send(world.group, { body, headers })).status).toBe(200);
    expect(second.arrivals[0]?.body.equals(expected)).toBe(true);
    expect(freed()).toBe(0);
    const bytes = await first.received;
    const sent = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);
    expect(sent.equals(expected.subarray(0, sent.length))).toBe(true);
  });
});

describe('a body that is streamed', () => {
  async function* stream(onDrawn: () => void): AsyncGenerator<Uint8Array> {
    onDrawn();
    await delay(0);
    yield Buffer.from('streamed');
  }

  it('moves on while no byte of it was drawn', async () => {
    const second = await startUpstream(answerWith(200, 'served'));
    await using world = startGroup([{ origin: 'http://127.0.0.1:1', stop: () => Promise.resolve() }, second]);
    let draws = 0;
    expect((await send(world.group, { body: stream(() => { draws += 1; }) })).status).toBe(200);
    expect([draws, second.arrivals[0]?.body.toString()]).toEqual([1, 'streamed']);
  });

  it('stays once it was drawn: the refusal is the answer', async () => {
    const first = await startUpstream(answerWith(529, 'overloaded'));
    const second = await startUpstream(answerWith(200, 'served'));
    await using world = startGroup([first, second]);
    expect(await send(world.group, { body: stream(vi.fn()) })).toMatchObject({ status: 529, body: 'overloaded' });
    expect([second.arrivals.length, world.failovers]).toEqual([0, []]);
  });

  it('hears of what was sent, as it would without a group', async () => {
    const first = await startUpstream(answerWith(200, 'served'));
    await using world = startGroup([first]);
    const onFlushed = vi.fn();
    const body = { *[Symbol.iterator]() { yield Buffer.alloc(65_536, 1); yield Buffer.alloc(65_536, 2); }, onFlushed };
    expect((await send(world.group, { body })).status).toBe(200);
    expect(onFlushed).toHaveBeenCalled();
  });
});

it.each([['text', 'the text'], ['bytes', Buffer.from('the text')], ['a list', [Buffer.from('the '), Buffer.from('text')]], ['a long list', [Buffer.alloc(70_000, 't'), Buffer.alloc(70_000, 'x')]]])(
  'a body that is %s is sent again as it is', async (_kind, body) => {
    const first = await startUpstream(answerWith(503, 'unavailable'));
    const second = await startUpstream(answerWith(200, 'served'));
    await using world = startGroup([first, second]);
    expect((await send(world.group, { body })).status).toBe(200);
    expect(second.arrivals[0]?.body).toEqual(first.arrivals[0]?.body);
    expect(second.arrivals[0]?.body.length).toBeGreaterThan(7);
  });
