import { encodeExceptionFrame, encodeFrame } from '@penstock/sse-relay';
import { openRawConnection, startScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { CLOUD_TOKEN, pairOf } from './cloud-gateway.ts';

const FRAME = encodeFrame({ ':event-type': 'chunk', ':message-type': 'event' }, Buffer.from('{"bytes":"eyJ0eXBlIjoicGluZyJ9"}'));
const EVENT = Buffer.from('event: ping\ndata: {"type": "ping"}\n\n');
const BEDROCK = { path: '/bedrock/model/anthropic.claude-x/invoke-with-response-stream', type: 'application/vnd.amazon.eventstream' };
const VERTEX = { path: '/vertex/v1/projects/p1/locations/us-east5/publishers/anthropic/models/claude-x:streamRawPredict', type: 'text/event-stream' };

const chunk = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

/** What a client reads of a stream whose upstream ends behind some bytes without an end of the body. */
async function readBroken({ path, type }: typeof BEDROCK, sent: Buffer, broken: 'event' | 'connection'): Promise<WireMessage> {
  const cloud = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`), chunk(sent)]));
    connection.socket.end();
  });
  await using pair = await pairOf(cloud, { bedrock: { broken_streams: broken }, vertex: { broken_streams: broken } });
  const client = await openRawConnection(pair.gateway.port);
  client.send(`POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`);
  const message = await client.readMessage({ kind: 'response' }, 60_000);
  client.close();
  const [entry] = await pair.gateway.recorded(1);
  expect(entry).toMatchObject({ status: 200, outcome: 'upstream_truncated' });
  expect(JSON.stringify(pair.gateway.logged)).not.toContain(CLOUD_TOKEN);
  return message;
}

describe('a stream of a cloud that breaks', () => {
  test('ends with an exception frame between two frames of Bedrock, where that is configured', async () => {
    const { body, complete } = await readBroken(BEDROCK, FRAME, 'event');
    const exception = encodeExceptionFrame('internalServerException', 'The stream from Amazon Bedrock ended before it was complete.');
    expect([body.subarray(0, FRAME.length).equals(FRAME), body.subarray(FRAME.length).toString('latin1'), complete]).toEqual([true, exception.toString('latin1'), false]);
  });

  test('ends with an error event between two events of Vertex AI, where that is configured', async () => {
    const { body, complete } = await readBroken(VERTEX, EVENT, 'event');
    expect([body.subarray(0, EVENT.length).equals(EVENT), body.subarray(EVENT.length).toString().startsWith('event: error\ndata: {"type":"error"'), complete]).toEqual([true, true, false]);
  });

  test.each([
    ['inside a frame', BEDROCK, FRAME.subarray(0, -1), 'event'], ['between two frames, by default', BEDROCK, FRAME, 'connection'],
    ['inside an event', VERTEX, EVENT.subarray(0, -1), 'event'], ['between two events, by default', VERTEX, EVENT, 'connection'],
  ] as const)('gets nothing added %s', async (_where, place, sent, broken) => {
    const { body, complete } = await readBroken(place, sent, broken);
    expect([body.toString('latin1'), complete]).toEqual([sent.toString('latin1'), false]);
  });
});
