import { fieldValues, openRawConnection, startScriptedUpstream } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { startTestGateway } from './start-test-gateway.ts';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const REQUEST_BODY = '{"model":"m","max_tokens":1,"stream":true,"messages":[]}';
const REQUEST = `POST /anthropic/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${REQUEST_BODY.length}\r\n\r\n${REQUEST_BODY}`;

const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

test('the first event leaves the gateway before the upstream has sent the second (no buffering)', async () => {
  let release: (() => void) | undefined;
  const released = new Promise<void>((resolve) => { release = resolve; });
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send(HEAD + chunk('event: message_start\ndata: {"type":"message_start","message":{}}\n\n'));
    await released;
    connection.send(`${chunk('event: message_stop\ndata: {"type":"message_stop"}\n\n')}0\r\n\r\n`);
  });
  await using gateway = await startTestGateway(upstream.origin);
  const client = await openRawConnection(gateway.port);
  client.send(REQUEST);
  await client.waitFor((bytes) => bytes.includes('message_start'));
  expect(client.received().includes('message_stop')).toBe(false);
  release?.();
  const response = await client.readMessage({ kind: 'response' });
  expect(response.complete).toBe(true);
  expect(fieldValues(response.rawHeaders, 'cache-control')).toEqual(['no-cache']);
  expect(fieldValues(response.rawHeaders, 'x-accel-buffering')).toEqual(['no']);
  client.close();
});

test('the head leaves before the first event (a client knows at once that it was accepted)', async () => {
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send(HEAD);
    await connection.closed();
  });
  await using gateway = await startTestGateway(upstream.origin);
  const client = await openRawConnection(gateway.port);
  client.send(REQUEST);
  await client.waitFor((bytes) => bytes.includes('\r\n\r\n'));
  client.close();
});

test.each([['mid-stream', HEAD + chunk('data: 1\n\n')], ['before the head', '']])('a client that leaves %s makes the upstream see it at once, and every number returns to zero', async (_phase, sent) => {
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send(sent);
    await connection.closed();
  });
  await using gateway = await startTestGateway(upstream.origin);
  const client = await openRawConnection(gateway.port);
  client.send(REQUEST);
  if (sent === '') while (upstream.requests.length === 0) await new Promise(setImmediate);
  else await client.waitFor((bytes) => bytes.includes('data: 1'));
  // No clock of the gateway is shorter than this test may take: only the client's leaving ends the upstream request.
  client.close();
  await upstream.connections[0]?.closed();
  const [entry] = await gateway.recorded(1);
  expect(entry).toMatchObject({ outcome: 'client_gone' });
  const { upstream: pool } = await (await fetch(`${gateway.anthropic}/health`)).json() as { upstream: Record<string, number> };
  expect(pool).toMatchObject({ active: 0, waiting: 0, connecting: 0 });
  expect(await gateway.sum('penstock_requests_in_flight{side="native"}')).toBe(0);
  expect(await gateway.series('penstock_streams_open{side="native"}')).toBe(0);
});

const AT_A_BOUNDARY = 'event: ping\ndata: {"type": "ping"}\n\n';
const INSIDE_AN_EVENT = 'event: ping\ndata: {"type": "pi';

test.each([
  ['at an event boundary', 'connection', AT_A_BOUNDARY, false],
  ['inside an event', 'connection', INSIDE_AN_EVENT, false],
  ['at an event boundary', 'event', AT_A_BOUNDARY, true],
  ['inside an event', 'event', INSIDE_AN_EVENT, false],
])('an upstream that breaks %s never looks complete (broken_streams: %s)', async (_where, mode, sent, hasErrorEvent) => {
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send(HEAD + chunk(sent));
    connection.socket.end();
  });
  await using gateway = await startTestGateway(upstream.origin, { anthropic_native: { broken_streams: mode } });
  const client = await openRawConnection(gateway.port);
  client.send(REQUEST);
  const response = await client.readMessage({ kind: 'response' });
  const added = response.body.toString().slice(sent.length);
  expect(response.body.toString().startsWith(sent)).toBe(true);
  if (hasErrorEvent) expect(added).toMatch(/^event: error\ndata: \{"type":"error","error":\{"type":"api_error",.*\}\n\n$/);
  else expect(added).toBe('');
  expect(response.complete).toBe(false);
  expect(await gateway.recorded(1)).toMatchObject([{ outcome: 'upstream_truncated', status: 200 }]);
});
