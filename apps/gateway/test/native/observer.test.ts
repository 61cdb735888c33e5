import { gzipSync } from 'node:zlib';
import { openRawConnection, startScriptedUpstream } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { startTestGateway } from '../start-test-gateway.ts';

const BODY = '{"model":"m","max_tokens":1,"stream":true,"messages":[]}';
const REQUEST = `POST /anthropic/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
const event = (type: string, padding = ''): string => `event: ${type}\ndata: {"type":"${type}"${padding}}\n\n`;

test.each([
  ['a truncated gzip', ['content-encoding', 'gzip'], gzipSync(event('message_start')).subarray(0, 20)],
  ['bytes that are no gzip at all', ['content-encoding', 'gzip'], Buffer.from('not gzip')],
  ['an event of 3 MB', [], Buffer.from(event('message_start', `,"x":"${'y'.repeat(3_000_000)}"`))],
])('%s changes no byte, and is counted (observing never hurts)', async (_name, fields, body) => {
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    const head = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${fields.length === 0 ? '' : `${fields[0]}: ${fields[1]}\r\n`}transfer-encoding: chunked\r\n\r\n`;
    connection.send(Buffer.concat([Buffer.from(`${head}${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]));
  });
  await using gateway = await startTestGateway(upstream.origin);
  const client = await openRawConnection(gateway.port);
  client.send(REQUEST);
  const response = await client.readMessage({ kind: 'response' });
  expect(response.complete).toBe(true);
  expect(response.body.equals(body)).toBe(true);
  expect(await gateway.recorded(1)).toMatchObject([{ outcome: 'ok' }]);
  await expect.poll(() => gateway.series('penstock_observer_errors_total')).toBeGreaterThan(0);
  client.close();
});
