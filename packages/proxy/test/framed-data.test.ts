// Events that pass the upstream client and the relay in the frames in which they came.
import { openRawConnection } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { chunk, startProxy, STREAM_HEAD } from './start-proxy.ts';

/** The size of each as a hexadecimal number is a letter, which the relay itself would write small. */
const EVENTS = ['data: first\n\n', 'data: two\n\n', 'data: three\n\n'] as const;
const FAILURE = 'event: error\ndata: {}\n\n';

const capitals = (text: string): string => chunk(text).replace(/^[0-9a-f]+/, (size) => size.toUpperCase());

interface Passed {
  /** What the client received behind the head of the response. */
  readonly wire: string;
  readonly body: string;
  readonly isComplete: boolean;
  /** What the observer received. */
  readonly observed: readonly string[];
  readonly bodyBytes: number | undefined;
}

/** Has the upstream send `chunks`, each when the client has the one before, and then close or, behind the last chunk of a body, wait. */
async function pass(chunks: readonly string[], isPlain: boolean): Promise<Passed> {
  const received = chunks.map(() => Promise.withResolvers<void>());
  const observed: string[] = [];
  const { port, outcome } = await startProxy(async (from) => {
    await from.nextRequest();
    from.send(STREAM_HEAD + (chunks[0] as string));
    for (const [index, next] of chunks.slice(1).entries()) {
      await received[index]?.promise;
      from.send(next);
    }
    await received.at(-1)?.promise;
    from.socket.end();
  }, {
    client: { plain: isPlain }, options: { relay: { failureEvent: () => Buffer.from(FAILURE) } },
    call: { observer: { onChunk: (bytes) => { observed.push(Buffer.from(bytes).toString()); }, onEnd: () => undefined } },
  });
  const client = await openRawConnection(port);
  client.send('GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
  for (const [index, { resolve }] of received.entries()) {
    const data = chunks.slice(0, index + 1).map((text) => text.slice(text.indexOf('\r\n') + 2));
    // The frame of the last may be the end of the body.
    await client.waitFor((bytes) => data.every((text) => bytes.includes(text)));
    resolve();
  }
  const message = await client.readMessage({ kind: 'response' });
  client.close();
  const { relay } = await outcome();
  const text = message.bytes.toString('latin1');
  return { wire: text.slice(text.indexOf('\r\n\r\n') + 4), body: message.body.toString(), isComplete: message.complete, observed, bodyBytes: relay?.bodyBytes };
}

describe('an event that is read alone', () => {
  test('reaches the client before the next was sent, in the frame in which it came; with `plain` in a frame of node:http or the relay. Body and observer are the same', async () => {
    const chunks = [...EVENTS.map(capitals), '0\r\n\r\n'];
    const passed = await pass(chunks, false);
    const plain = await pass(chunks, true);
    const body = EVENTS.join('');
    expect(passed).toEqual({ wire: [chunk(EVENTS[0]), ...chunks.slice(1)].join(''), body, isComplete: true, observed: EVENTS, bodyBytes: body.length });
    expect(plain).toEqual({ ...passed, wire: [...EVENTS.map(chunk), '0\r\n\r\n'].join('') });
  });

  test.each([false, true])('plain %s: an upstream that closes behind it is followed by the failure event, one that closes inside the event behind it is not', async (isPlain) => {
    const atEnd = await pass(EVENTS.map(capitals), isPlain);
    expect([atEnd.body, atEnd.isComplete]).toEqual([EVENTS.join('') + FAILURE, false]);
    const inside = await pass([...EVENTS.map(capitals), capitals('data: fo')], isPlain);
    expect([inside.body, inside.isComplete]).toEqual([`${EVENTS.join('')}data: fo`, false]);
  });
});
