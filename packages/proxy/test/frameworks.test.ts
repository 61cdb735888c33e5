// The handler in the frameworks that people have: each streams, cancels and breaks visibly.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { openRawConnection } from '@penstock/test-support';
import express from 'express';
import fastify from 'fastify';
import Koa from 'koa';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fastifyProxy, type ProxyHandler } from '../src/index.ts';
import { chunk, startProxy, STREAM_HEAD } from './start-proxy.ts';

const EVENT = 'data: {"n":1}\n\n';

const FRAMEWORKS: Readonly<Record<string, (proxy: ProxyHandler) => Promise<Server>>> = {
  async express(proxy) {
    const app = express();
    app.use('/api', (request, response) => { void proxy(request, response); });
    return createServer(app);
  },
  async koa(proxy) {
    const app = new Koa();
    app.use(async (context) => {
      context.respond = false;
      await proxy(context.req, context.res, { path: context.url.slice('/api'.length) });
    });
    const callback = app.callback();
    return createServer((request, response) => { void callback(request, response); });
  },
  async fastify(proxy) {
    const app = fastify();
    await app.register(fastifyProxy(proxy), { prefix: '/api' });
    await app.listen({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => app.close());
    return app.server;
  },
};

describe.each(Object.entries(FRAMEWORKS))('in %s', (_name, listener) => {
  test('a POST is forwarded with its body, below the mounted path, and its answer streams', async () => {
    const { port, upstream } = await startProxy(async (from) => {
      await from.nextRequest();
      from.send(STREAM_HEAD + chunk(EVENT));
      await client.waitFor((bytes) => bytes.includes(EVENT));
      from.send(`${chunk(EVENT)}0\r\n\r\n`);
    }, { listener });
    const client = await openRawConnection(port);
    client.send('POST /api/v1?a=b HTTP/1.1\r\nHost: proxy\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"stream":1.0}'.slice(0, -1));
    const answer = await client.readMessage({ kind: 'response' });
    expect([answer.complete, answer.body.toString()]).toEqual([true, EVENT + EVENT]);
    expect([upstream.requests[0]?.startLine, upstream.requests[0]?.body.toString()]).toEqual(['POST /v1?a=b HTTP/1.1', '{"stream":1.0']);
    client.close();
  });

  test('a client that disconnects ends the request at the upstream', async () => {
    const { port, upstream, outcome } = await startProxy(async (from) => {
      await from.nextRequest();
      from.send(STREAM_HEAD + chunk(EVENT));
    }, { listener });
    const client = await openRawConnection(port);
    client.send('GET /api/v1 HTTP/1.1\r\nHost: proxy\r\n\r\n');
    await client.waitFor((bytes) => bytes.includes(EVENT));
    client.close();
    expect((await outcome()).relay?.how).toBe('client_gone');
    await upstream.connections[0]?.closed();
  });

  test('a response that breaks at the upstream breaks for the client', async () => {
    const { port } = await startProxy(async (from) => {
      await from.nextRequest();
      from.send(STREAM_HEAD + chunk(EVENT));
      await client.waitFor((bytes) => bytes.includes(EVENT));
      from.reset();
    }, { listener });
    const client = await openRawConnection(port);
    client.send('GET /api/v1 HTTP/1.1\r\nHost: proxy\r\n\r\n');
    const answer = await client.readMessage({ kind: 'response' });
    expect([answer.complete, answer.body.toString()]).toEqual([false, EVENT]);
    await once(client.socket, 'close');
  });
});
