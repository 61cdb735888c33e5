import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { RelayResult } from '@penstock/sse-relay';
import { answerAlways, fieldValues, openRawConnection, sendRawRequest, statusOf, wholeResponse } from '@penstock/test-support';
import { expect, onTestFinished, test } from 'vitest';
import { OpenExchanges, UpstreamExchange, type ProxyHandler } from '../src/index.ts';
import { chunk, policy, startProxy, STREAM_HEAD } from './start-proxy.ts';

const EVENT = 'data: {"n":1}\n\n';

test('interrupt breaks an open stream visibly, answers a request without a response with a 503, and leaves later requests alone', async () => {
  let proxy: ProxyHandler | undefined;
  const sent = Promise.withResolvers<void>();
  const { port, outcome } = await startProxy(async (from) => {
    const { startLine } = await from.nextRequest();
    if (startLine.includes('/stream')) from.send(STREAM_HEAD + chunk(EVENT));
    else if (startLine.includes('/later')) from.send(wholeResponse(200, [], 'served'));
    else sent.resolve();
  }, { listener: (handler) => { proxy = handler; return (request, response) => { void handler(request, response); }; } });
  const stream = await openRawConnection(port);
  stream.send('GET /stream HTTP/1.1\r\nHost: proxy\r\n\r\n');
  await stream.waitFor((bytes) => bytes.includes(EVENT));
  const silent = await openRawConnection(port);
  silent.send('GET /silent HTTP/1.1\r\nHost: proxy\r\n\r\n');
  await sent.promise;
  proxy?.interrupt('the drain deadline');
  const cut = await stream.readMessage({ kind: 'response' });
  expect([cut.complete, cut.body.toString()]).toEqual([false, EVENT]);
  const refused = await silent.readMessage({ kind: 'response' });
  expect([statusOf(refused), fieldValues(refused.rawHeaders, 'retry-after')]).toEqual([503, ['1']]);
  expect([(await outcome(0)).relay?.how, (await outcome(1)).relay?.how]).toEqual(['interrupted', 'interrupted']);
  expect((await sendRawRequest(port, 'GET /later HTTP/1.1\r\nHost: proxy\r\n\r\n')).body.toString()).toBe('served');
  stream.close();
  silent.close();
});

test('a response before the end of the request body closes the connection, whatever head onHead returns (a rest that is not read would be taken for a request)', async () => {
  const { port } = await startProxy(async (from) => {
    await from.waitFor((bytes) => bytes.includes('first'));
    from.send(wholeResponse(200, [], 'early'));
  }, { options: { hooks: { onHead: ({ status }) => ({ status, statusMessage: 'Fine', rawHeaders: ['content-length', '5'] }) } } });
  const client = await openRawConnection(port);
  client.send('POST / HTTP/1.1\r\nHost: proxy\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n');
  const answer = await client.readMessage({ kind: 'response' });
  expect([fieldValues(answer.rawHeaders, 'connection'), answer.body.toString()]).toEqual([['close'], 'early']);
  client.close();
});

test('an upstream whose dispatch throws fails its request with a 500 and leaves no exchange open', async () => {
  const { port, outcome } = await startProxy(answerAlways(wholeResponse(200, [], 'no')), { wrap: () => ({ dispatch() { throw new Error('a bug'); } }) });
  expect(statusOf(await sendRawRequest(port, 'GET / HTTP/1.1\r\nHost: proxy\r\n\r\n'))).toBe(500);
  expect(await outcome()).not.toHaveProperty('relay');

  const open = new OpenExchanges();
  const interrupted: unknown[] = [];
  const server = createServer((_request, response) => {
    const exchange = new UpstreamExchange({ upstream: { dispatch() { throw new Error('a bug'); } }, policy, relay: {}, hooks: {}, open }, undefined, response);
    exchange.handler.interrupt = (reason) => { interrupted.push(reason); };
    expect(() => exchange.send({ method: 'GET', path: '/' })).toThrow('a bug');
    open.interrupt('the drain deadline');
    response.end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => { server.close(); });
  await once(server, 'listening');
  await sendRawRequest((server.address() as AddressInfo).port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  expect(interrupted).toEqual([]);
});

test('an exchange of its own calls its hooks with the state of its request, and shows when each step was passed', async () => {
  const { client } = await startProxy(async (from) => {
    await from.nextRequest();
    from.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Internal: secret\r\n\r\ndata: 1\n\n');
    from.close();
  });
  const seen: unknown[] = [];
  const sent: (readonly [UpstreamExchange<string>, Promise<RelayResult>])[] = [];
  const server = createServer((request, response) => {
    const exchange = new UpstreamExchange({
      upstream: client, policy, relay: {}, open: new OpenExchanges(),
      hooks: {
        onDropped: (dropped, state: string) => { seen.push([state, ...dropped.map(({ name }) => name)]); },
        onHead(head, state, rawHeaders) { seen.push([state, rawHeaders.includes('X-Internal')]); head.rawHeaders.push('x-state', state); return head; },
        closesConnection: () => true,
        sawStop: (state) => { seen.push([state, 'stop']); return false; },
      },
    }, 'mine', response);
    sent.push([exchange, exchange.send({ method: request.method ?? '', path: '/' })]);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => { server.close(); });
  await once(server, 'listening');
  const answer = await sendRawRequest((server.address() as AddressInfo).port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  expect([fieldValues(answer.rawHeaders, 'x-state'), fieldValues(answer.rawHeaders, 'connection'), answer.complete]).toEqual([['mine'], ['close'], false]);
  expect(seen).toEqual([['mine', 'x-internal'], ['mine', true], ['mine', 'stop']]);
  const [[exchange, result] = []] = sent;
  expect((await result)?.how).toBe('upstream_failed');
  expect(exchange?.timings?.headAt).toBeGreaterThan(0);
});
