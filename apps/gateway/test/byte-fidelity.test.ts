import {
  fieldValues, loadRecordings, openRawConnection, startScriptedUpstream, statusOf,
  type ConnectionScript, type Recording, type ScriptedUpstream, type WireMessage,
} from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from './start-test-gateway.ts';

const recordings = loadRecordings('sse', 'json', 'jsonl', 'error', 'transcripts');
if (recordings.length === 0) console.warn('byte-fidelity: no recordings found, their tests are skipped');

/** Fields whose recorded values cannot be replayed: framing written by the recorder, or hop-by-hop. */
const UNTRUSTED = new Set(['content-length', 'transfer-encoding', 'content-encoding', 'connection', 'keep-alive']);
/** The documented deny-list of responses, as far as recordings have it. */
const DENIED = new Set(['set-cookie', 'alt-svc', 'strict-transport-security', 'nel', 'report-to']);

interface Replay {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Writes of the upstream. */
  readonly pieces: readonly Buffer[];
}

let replay: Replay;
let gateway: TestGateway;
let received: WireMessage;

/** The upstream frames each piece as an HTTP chunk of its own; larger ones leave in a turn of their own. */
const answer: ConnectionScript = async (connection) => {
  for (;;) {
    const request = await connection.nextRequest(600_000);
    if (!request.complete) return;
    received = request;
    let head = `HTTP/1.1 ${replay.status} Recorded\r\n`;
    for (let index = 0; index < replay.rawHeaders.length; index += 2) head += `${replay.rawHeaders[index]}: ${replay.rawHeaders[index + 1]}\r\n`;
    connection.send(`${head}Transfer-Encoding: chunked\r\n\r\n`);
    const framed = replay.pieces.map((piece) => Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]));
    if (replay.pieces.some((piece) => piece.length > 7)) {
      for (const chunk of framed) {
        connection.send(chunk);
        await new Promise(setImmediate);
      }
    } else {
      connection.send(Buffer.concat(framed));
    }
    connection.send('0\r\n\r\n');
  }
};

let upstream: ScriptedUpstream;

beforeAll(async () => {
  upstream = await startScriptedUpstream(answer);
  gateway = await startTestGateway(upstream.origin);
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

function split(body: Buffer, how: string): Buffer[] {
  if (how === 'at once') return [body];
  if (how === 'one event') {
    const pieces: Buffer[] = [];
    let start = 0;
    for (let end = body.indexOf('\n\n'); end !== -1; end = body.indexOf('\n\n', start)) {
      pieces.push(body.subarray(start, end + 2));
      start = end + 2;
    }
    return start < body.length ? [...pieces, body.subarray(start)] : pieces;
  }
  const size = how === '1 byte' ? 1 : 7;
  return Array.from({ length: Math.ceil(body.length / size) }, (_, index) => body.subarray(index * size, (index + 1) * size));
}

function recordedFields(recording: Recording): string[] {
  const fields = Object.entries(recording.meta?.response?.headers ?? { 'content-type': 'text/event-stream; charset=utf-8' });
  return fields.flatMap(([name, value]) => (UNTRUSTED.has(name) ? [] : [value].flat().flatMap((single) => [name, single])));
}

async function send(body: Buffer, extra = ''): Promise<WireMessage> {
  const connection = await openRawConnection(gateway.port);
  connection.send(`POST /anthropic/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${extra}Content-Length: ${body.length}\r\n\r\n`);
  connection.send(body);
  const response = await connection.readMessage({ kind: 'response' }, 20_000);
  connection.close();
  return response;
}

const SMALL_REQUEST = Buffer.from('{"model":"claude-haiku-4-5","max_tokens":5,"stream":true,"messages":[]}');

describe.skipIf(recordings.length === 0)('recordings cross byte for byte, with their status and fields', () => {
  describe.each(['1 byte', '7 bytes', 'one event', 'at once'])('written %s at a time', (how) => {
    test.each(recordings.map((recording) => [recording.name, recording] as const))('%s', async (_name, recording) => {
      const variants = recording.gzip === undefined ? [recording.body] : [recording.body, recording.gzip];
      for (const body of variants) {
        const encoding = body === recording.gzip ? ['content-encoding', 'gzip'] : [];
        const fields = recordedFields(recording);
        replay = { status: recording.meta?.response?.status ?? 200, rawHeaders: [...fields, ...encoding], body, pieces: split(body, how) };
        const response = await send(SMALL_REQUEST, 'Accept-Encoding: gzip\r\n');
        expect(statusOf(response)).toBe(replay.status);
        expect(response.complete).toBe(true);
        expect(response.body.equals(body)).toBe(true);
        for (let index = 0; index < replay.rawHeaders.length; index += 2) {
          const name = replay.rawHeaders[index] as string;
          const values = fieldValues(replay.rawHeaders, name);
          expect([name, fieldValues(response.rawHeaders, name)]).toEqual([name, DENIED.has(name) ? [] : values]);
        }
      }
    });
  });
});

describe('request bodies arrive upstream byte for byte (a re-serialised body breaks prompt caches and signed thinking)', () => {
  const odd = '  {"z":1,\t"model" : "claude\\u002dx", "a":{"d":1,"d":2},\r\n"messages":[{"role":"user","content":"\u00e9\u{1F600}\\ud83d\\ude00 \\/"}],  "n":1.0e+2,"new_field":{"b":[ ]}  }\n';
  const long = `{"model":"x","messages":[{"role":"user","content":"${'line of text \\"quoted\\" \\n'.repeat(80_000)}"}]}`;
  test.each([['odd white space, order, escapes and duplicates', odd], ['2 MB', long], ['an empty object', '{}']])('%s', async (_name, text) => {
    const body = Buffer.from(text);
    replay = { status: 200, rawHeaders: ['content-type', 'application/json'], body: Buffer.from('{}'), pieces: [Buffer.from('{}')] };
    expect(statusOf(await send(body))).toBe(200);
    expect(received.body.equals(body)).toBe(true);
    expect(fieldValues(received.rawHeaders, 'content-length')).toEqual([String(body.length)]);
    expect(fieldValues(received.rawHeaders, 'transfer-encoding')).toEqual([]);
  });

  test('a chunked body of many small chunks is gathered and sent with its length', async () => {
    const body = Buffer.from(odd);
    const connection = await openRawConnection(gateway.port);
    connection.send('POST /anthropic/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (let index = 0; index < body.length; index += 3) {
      const piece = body.subarray(index, index + 3);
      connection.send(Buffer.concat([Buffer.from(`${piece.length.toString(16)};ignored=1\r\n`), piece, Buffer.from('\r\n')]));
    }
    connection.send('0\r\nX-Api-Key: in-a-trailer\r\n\r\n');
    expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(200);
    expect(received.body.equals(body)).toBe(true);
    expect(fieldValues(received.rawHeaders, 'x-api-key')).not.toContain('in-a-trailer');
    connection.close();
  });
});

test('header bytes outside ASCII cross unchanged (flushing the head another way re-encodes them)', async () => {
  const value = Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x20, 0xff]).toString('latin1');
  replay = { status: 200, rawHeaders: ['content-type', 'text/event-stream', 'X-Odd', value, 'X-odd', 'again'], body: Buffer.from('data: 1\n\n'), pieces: [Buffer.from('data: 1\n\n')] };
  const response = await send(SMALL_REQUEST, `Anthropic-New-Thing: ${value}\r\n`);
  expect(fieldValues(response.rawHeaders, 'x-odd')).toEqual([value, 'again']);
  expect(fieldValues(received.rawHeaders, 'anthropic-new-thing')).toEqual([value]);
});
