import { expect, test } from 'vitest';
import { answerAlways, fieldValues, openRawConnection, parseMessage, readEvents, sendRawRequest, startScriptedUpstream, statusOf, wholeResponse } from '../src/index.ts';

test('a scripted upstream records requests and answers with the bytes it was given', async () => {
  await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['X-Odd', 'caf\u00e9'], 'hello')));
  const connection = await openRawConnection(upstream.port);
  for (const word of ['one', 'two']) {
    connection.send(`POST /${word} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n${word}`);
    const response = await connection.readMessage({ kind: 'response' });
    expect(statusOf(response)).toBe(200);
    expect(fieldValues(response.rawHeaders, 'x-odd')).toEqual(['caf\u00e9']);
    expect(response.body.toString()).toBe('hello');
  }
  expect(upstream.requests.map((request) => request.startLine)).toEqual(['POST /one HTTP/1.1', 'POST /two HTTP/1.1']);
  expect(upstream.requests.map((request) => request.body.toString())).toEqual(['one', 'two']);
  expect(upstream.peakConnections()).toBe(1);
  connection.close();
});

test('a truncated response is reported as incomplete, with how the connection ended', async () => {
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf');
    connection.socket.end();
  });
  const response = await sendRawRequest(upstream.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(response.complete).toBe(false);
  expect(response.body.toString()).toBe('half');
});

test('chunked bodies are read with their trailers, and junk framing throws', () => {
  const good = Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n');
  expect(parseMessage(good, { kind: 'response' })).toMatchObject({ complete: true, rawTrailers: ['X-T', '1'], body: Buffer.from('abc') });
  const junk = Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n');
  expect(() => parseMessage(junk, { kind: 'response' })).toThrow('not a chunk size');
});

test('the event reader dispatches only on a blank line and keeps the tail', () => {
  const read = readEvents(Buffer.from('\u{FEFF}: hi\r\nevent: a\ndata: 1\rdata: 2\n\ndata: lost\n'));
  expect(read.events).toEqual([{ event: 'a', data: '1\n2' }]);
  expect(read.tail).toBe('data: lost\n');
});
