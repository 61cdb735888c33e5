// Field reports, group C: server-sent events.
import { fieldValues, openRawConnection, readEvents, startScriptedUpstream, statusOf, type ConnectionScript, type RawConnection, type ScriptedConnection, type WireMessage } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { startTestGateway, type ConfigDocument, type TestGateway } from '../start-test-gateway.ts';
import { chunk, LAST_CHUNK, requestBytes, STREAM_BODY, STREAM_HEAD } from './native-request.ts';

const PING = 'event: ping\ndata: {"type": "ping"}\n\n';
const START = 'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"claude-x","usage":{"input_tokens":5,"output_tokens":1}}}\n\n';
const STOP = 'event: message_stop\ndata: {"type":"message_stop"}\n\n';
const delta = (text: string): string => `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${text}"}}\n\n`;

/** Opens a stream through a gateway whose upstream behaves as `play` does behind the request. */
async function openStream<Result>(play: (upstream: ScriptedConnection) => Promise<void> | void, use: (client: RawConnection, gateway: TestGateway) => Promise<Result>, document: ConfigDocument = {}): Promise<Result> {
  const script: ConnectionScript = async (connection) => {
    await connection.nextRequest();
    await play(connection);
  };
  await using upstream = await startScriptedUpstream(script);
  await using gateway = await startTestGateway(upstream.origin, document);
  const client = await openRawConnection(gateway.port);
  client.send(requestBytes({ body: STREAM_BODY }));
  try {
    return await use(client, gateway);
  } finally {
    client.close();
  }
}

const relayed = (pieces: readonly Uint8Array[]): Promise<WireMessage> => openStream(
  (upstream) => { upstream.send(Buffer.concat([Buffer.from(STREAM_HEAD), ...pieces.map((piece) => chunk(piece)), Buffer.from(LAST_CHUNK)])); },
  (client) => client.readMessage({ kind: 'response' }),
);

describe('whatever grammar a stream has, its bytes cross', () => {
  test.each([
    ['a second message_start (FR-34, FR-39)', START + START + STOP],
    ['thinking inside a text block, and a stop without a start (FR-34, FR-35, FR-36)', `event: content_block_start\ndata: {"index":0,"content_block":{"type":"text"}}\n\nevent: content_block_delta\ndata: {"index":0,"delta":{"type":"thinking_delta","thinking":"x"}}\n\nevent: content_block_stop\ndata: {"index":9}\n\n`],
    ['indices of server tools out of order (FR-40)', 'event: content_block_start\ndata: {"index":7,"content_block":{"type":"server_tool_use"}}\n\nevent: content_block_start\ndata: {"index":2}\n\n'],
    ['a usage of 0/0, and one in message_start that is not (FR-41)', START.replace('5', '0').replace('1}', '0}') + START],
    ['events and fields of tomorrow, comments, odd line ends (FR-37, FR-38)', ': hello\r\n\r\nevent: tomorrow\rid: 7\rretry: 10\rdata: {"new":1}\r\rdata\n\ndata: a\ndata: b\n\n'],
    ['[DONE] behind the last event (FR-55)', `${START}${STOP}data: [DONE]\n\n`],
    ['pings everywhere (FR-45, FR-46)', PING + START + PING + PING + STOP + PING],
    ['an error event inside a 200 (FR-59, FR-60)', `${START}event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n`],
    ['no event at all', 'not an event stream'],
  ])('%s', async (_name, text) => {
    const response = await relayed([Buffer.from(text)]);
    expect([response.body.toString(), response.complete]).toEqual([text, true]);
  });

  test('characters of several bytes, cut between any two of them (FR-51, FR-52, FR-53)', async () => {
    const text = START + delta('\u4f60\u597d, \u{1F468}\u200D\u{1F469}\u200D\u{1F467} \u0915\u094d\u0937 \\u4f60\\ud83d') + STOP;
    const bytes = Buffer.from(text);
    const response = await relayed(Array.from(bytes, (byte) => Buffer.from([byte])));
    expect(response.body.equals(bytes)).toBe(true);
    // Nothing is decoded on the way: bytes that are no UTF-8 at all cross as well.
    const broken = Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xc0, 0xaf, 0xed, 0xa0, 0x80, 0x0a, 0x0a]);
    expect((await relayed([broken])).body.equals(broken)).toBe(true);
  });
});

test('each event leaves as it comes, never gathered with the next (FR-42, FR-43, FR-44, FR-45)', async () => {
  let next: (() => void) | undefined;
  const events = [START, PING, delta('a'), PING, delta('b'), STOP];
  await openStream(async (upstream) => {
    upstream.send(STREAM_HEAD);
    for (const event of events) {
      const isSeen = new Promise<void>((resolve) => { next = resolve; });
      upstream.send(chunk(event));
      await isSeen;
    }
    upstream.send(LAST_CHUNK);
  }, async (client) => {
    let seen = Buffer.alloc(0);
    for (const event of events) {
      const expected = seen = Buffer.concat([seen, chunk(event)]);
      // The upstream sends the next event only once the client has this one.
      await client.waitFor((unread) => unread.includes(expected));
      next?.();
    }
    expect((await client.readMessage({ kind: 'response' })).body.toString()).toBe(events.join(''));
  });
});

const COMMENTS = { anthropic_native: { keep_alive_comments: 0.2 } };

describe('keep-alive comments', () => {
  test('fill a silence where they are switched on, and a reader sees the same events (FR-47)', async () => {
    let goOn: (() => void) | undefined;
    const isFilled = new Promise<void>((resolve) => { goOn = resolve; });
    const response = await openStream(async (upstream) => {
      upstream.send(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(START)]));
      await isFilled;
      upstream.send(Buffer.concat([chunk(delta('a')), chunk(STOP), Buffer.from(LAST_CHUNK)]));
    }, async (client) => {
      await client.waitFor((unread) => (unread.toString().match(/\n:[^\n]*\n/g) ?? []).length >= 2);
      goOn?.();
      return client.readMessage({ kind: 'response' });
    }, COMMENTS);
    expect(readEvents(response.body)).toEqual(readEvents(Buffer.from(START + delta('a') + STOP)));
    expect(response.body.length).toBeGreaterThan((START + delta('a') + STOP).length);
  });

  test('are never written inside an event, and never where they are not asked for (FR-49)', async () => {
    const half = delta('a').slice(0, 40);
    for (const document of [COMMENTS, {}]) {
      const body = await openStream(async (upstream) => {
        upstream.send(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(half)]));
        // Four times the silence that would be filled at a boundary.
        await new Promise((resolve) => { setTimeout(resolve, 800); });
        upstream.send(Buffer.concat([chunk(delta('a').slice(40)), Buffer.from(LAST_CHUNK)]));
      }, async (client) => (await client.readMessage({ kind: 'response' })).body.toString(), document);
      expect(body).toBe(delta('a'));
    }
  });
});

describe('a stream that stalls or stops ends with a reason', () => {
  test.each([
    ['silence after an event', 'connection', START, false], ['silence inside an event', 'connection', START.slice(0, 50), false],
    ['silence after an event', 'event', START, true], ['silence inside an event', 'event', START.slice(0, 50), false],
  ])('%s is ended by the idle clock, shown to the client, and counted (FR-50, FR-56, FR-57, FR-58; broken_streams: %s)', async (_name, mode, sent, hasErrorEvent) => {
    await openStream((upstream) => { upstream.send(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(sent)])); }, async (client, gateway) => {
      const response = await client.readMessage({ kind: 'response' });
      expect(response.body.toString().startsWith(sent)).toBe(true);
      expect(response.body.includes('event: error\ndata: {"type":"error"')).toBe(hasErrorEvent);
      expect(response.complete).toBe(false);
      expect(await gateway.recorded(1)).toMatchObject([{ outcome: 'upstream_timeout', status: 200 }]);
    }, { anthropic_native: { broken_streams: mode, timeouts: { idle: 0.3 } } });
  });

  test('without message_stop, but well framed, it is counted and not called broken (FR-54)', async () => {
    await openStream((upstream) => { upstream.send(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(START + delta('a')), Buffer.from(LAST_CHUNK)])); }, async (client, gateway) => {
      expect((await client.readMessage({ kind: 'response' })).complete).toBe(true);
      expect(await gateway.recorded(1)).toMatchObject([{ outcome: 'ok' }]);
      expect(await gateway.series('penstock_streams_without_stop_total{side="native"}')).toBe(1);
    });
  });

  test('framed by the end of its connection and without message_stop, it is truncated (FR-54)', async () => {
    await openStream((upstream) => { upstream.socket.end(STREAM_HEAD.replace('Transfer-Encoding: chunked\r\n', '') + START); }, async (client, gateway) => {
      const response = await client.readMessage({ kind: 'response' });
      expect([response.body.toString(), response.complete]).toEqual([START, false]);
      expect(await gateway.recorded(1)).toMatchObject([{ outcome: 'upstream_truncated' }]);
    });
  });

  test('an overload inside a 200 is an outcome of its own (FR-59, FR-60)', async () => {
    const overloaded = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n';
    await openStream((upstream) => { upstream.send(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(START + overloaded), Buffer.from(LAST_CHUNK)])); }, async (client, gateway) => {
      const response = await client.readMessage({ kind: 'response' });
      expect([statusOf(response), response.body.toString(), fieldValues(response.rawHeaders, 'x-penstock-error')]).toEqual([200, START + overloaded, []]);
      expect(await gateway.recorded(1)).toMatchObject([{ outcome: 'stream_error_event', status: 200 }]);
    });
  });
});
