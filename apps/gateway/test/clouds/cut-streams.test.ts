import { sendRawRequest, startScriptedUpstream, type ScriptedUpstream } from '@penstock/test-support';
import { describe, expect, test, vi } from 'vitest';
import { FRAMES, STREAM } from './bedrock-stream.ts';
import { pairOf, post, type CloudPair } from './cloud-gateway.ts';

const STREAMED = '/bedrock/model/us.anthropic.claude-x-v1:0/invoke-with-response-stream';
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n';

/** An origin whose stream is cut: `x-stainless-cut` of the request says behind how many bytes. */
function startCutting(): Promise<ScriptedUpstream> {
  return startScriptedUpstream(async (connection) => {
    const { rawHeaders } = await connection.nextRequest();
    const bytes = STREAM.subarray(0, Number(rawHeaders[rawHeaders.indexOf('x-stainless-cut') + 1]));
    connection.send(Buffer.concat([Buffer.from(HEAD), ...(bytes.length === 0 ? [] : [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])]));
    connection.close();
  });
}

/** All bytes of the body that came, and whether its end was one. A client of the platform would drop what it has not read at the break. */
async function readAll({ gateway }: CloudPair, cut: number): Promise<{ readonly bytes: Buffer; readonly isWhole: boolean }> {
  const { body, complete } = await sendRawRequest(gateway.port, `POST ${STREAMED} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 2\r\nx-stainless-cut: ${cut}\r\n\r\n{}`);
  return { bytes: body, isWhole: complete };
}

describe('a stream of frames', () => {
  test('never ends well, wherever it is cut (every eleventh byte), and no byte is added', async () => {
    await using pair = await pairOf(await startCutting());
    for (let cut = 0; cut <= STREAM.length; cut += 11) {
      const { bytes, isWhole } = await readAll(pair, cut);
      expect([cut, isWhole, bytes.equals(STREAM.subarray(0, cut))]).toEqual([cut, false, true]);
    }
    const count = Math.floor(STREAM.length / 11) + 1;
    expect((await pair.gateway.recorded(count)).map(({ outcome }) => outcome)).toEqual(Array.from({ length: count }, () => 'upstream_truncated'));
    expect(await pair.gateway.series('penstock_streams_open{side="bedrock"}')).toBe(0);
  });
});

describe('a client that leaves', () => {
  test('has its request cancelled at the cloud, and its slot is free', async () => {
    const cloud = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(`${HEAD}${(FRAMES[0] as Buffer).length.toString(16)}\r\n`);
      connection.send(Buffer.concat([FRAMES[0] as Buffer, Buffer.from('\r\n')]));
    });
    await using pair = await pairOf(cloud);
    const leaving = new AbortController();
    const response = await fetch(`${pair.gateway.origin}${STREAMED}`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' }, signal: leaving.signal });
    await response.body?.getReader().read();
    expect(pair.cloud.openConnections()).toBe(1);
    leaving.abort();
    await vi.waitFor(() => { expect(pair.cloud.openConnections()).toBe(0); }, { timeout: 30_000 });
    expect((await pair.gateway.recorded(1))[0]).toMatchObject({ outcome: 'client_gone', side: 'bedrock' });
    expect(await pair.gateway.sum('penstock_upstream_pool_connections{upstream="bedrock",state="active"}')).toBe(0);
  });
});

describe('the pool of a cloud', () => {
  test('is its own: a full one refuses as Bedrock does, and the other cloud serves', async () => {
    const cloud = await startScriptedUpstream(async (connection) => {
      const { startLine } = await connection.nextRequest();
      if (startLine.includes(':rawPredict')) connection.send('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}');
      else connection.send(HEAD);
    });
    await using pair = await pairOf(cloud, { bedrock: { pool: { max_connections: 1, max_waiting: 0 } } });
    const leaving = new AbortController();
    const held = await fetch(`${pair.gateway.origin}${STREAMED}`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' }, signal: leaving.signal });
    expect(held.status).toBe(200);
    const refused = await post(pair.gateway, STREAMED);
    expect([refused.status, refused.headers.get('x-amzn-errortype'), refused.headers.get('x-should-retry')]).toEqual([429, 'ThrottlingException', 'true']);
    expect((await refused.json() as { message: string }).message).toContain('connection to Amazon Bedrock');
    expect((await post(pair.gateway, '/vertex/v1/projects/p1/locations/us-east5/publishers/anthropic/models/claude-x:rawPredict')).status).toBe(200);
    leaving.abort();
  });
});
