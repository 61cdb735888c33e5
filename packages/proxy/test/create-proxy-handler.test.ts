import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { answerAlways, fieldValues, openRawConnection, sendRawRequest, statusOf as statusOn, wholeResponse } from '@penstock/test-support';
import type { UpstreamHandler } from '@penstock/upstream-client';
import { describe, expect, test } from 'vitest';
import { isProxyError, type ProxyFailure } from '../src/index.ts';
import { chunk, policy, startProxy, STREAM_HEAD } from './start-proxy.ts';

/** The same handler; each pause of its response is reported. */
function watchPauses(handler: UpstreamHandler, onPause: () => void): UpstreamHandler {
  const start = handler.onRequestStart?.bind(handler);
  handler.onRequestStart = (controller, context) => {
    const pause = controller.pause.bind(controller);
    controller.pause = () => { pause(); onPause(); };
    start?.(controller, context);
  };
  return handler;
}

const EVENT = 'data: {"n":1}\n\n';

describe('the outbound request', () => {
  test('has method, path, query and allowed fields in order, the additions, and none that the policy drops', async () => {
    const dropped: unknown[] = [];
    const { port, upstream } = await startProxy(answerAlways('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'), {
      options: { additions: { set: ['x-api-key', 'ours'] }, hooks: { onDropped: (direction, fields) => dropped.push([direction, ...fields.map(({ name, reason }) => `${name} ${reason}`)]) } },
    });
    await sendRawRequest(port, 'GET /a/b?c=%20d HTTP/1.1\r\nHost: proxy\r\nX-B: 1\r\nCookie: a=b\r\nX-A: 2\r\nX-Api-Key: theirs\r\n\r\n');
    const [request] = upstream.requests;
    expect(request?.startLine).toBe('GET /a/b?c=%20d HTTP/1.1');
    expect(request?.rawHeaders.filter((_, index) => /^x-/i.test(request.rawHeaders[index - index % 2] ?? ''))).toEqual(['X-B', '1', 'X-A', '2', 'x-api-key', 'ours']);
    expect(request?.framing).toBe('none');
    expect(dropped).toEqual([['request', 'host framing', 'cookie cookie', 'x-api-key credential']]);
  });

  test('has the additions, path and timeouts of its call instead of those of the handler', async () => {
    const { port, upstream } = await startProxy(answerAlways('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'), {
      options: { additions: { set: ['x-api-key', 'ours'] } }, call: { path: '/elsewhere?x', additions: { set: ['x-api-key', 'other'] } },
    });
    await sendRawRequest(port, 'GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
    expect(upstream.requests[0]?.startLine).toBe('GET /elsewhere?x HTTP/1.1');
    expect(fieldValues(upstream.requests[0]?.rawHeaders ?? [], 'x-api-key')).toEqual(['other']);
  });

  test.each([
    ['content-length: 5\r\n\r\nhello', 'content-length', 'hello'],
    ['content-length: 100000\r\n\r\n' + 'x'.repeat(100_000), 'content-length', 'x'.repeat(100_000)],
    ['transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', 'chunked', 'hello'],
    ['content-length: 0\r\n\r\n', 'none', ''],
  ])('has the body and the framing of the client: %#', async (rest, framing, body) => {
    const { port, upstream } = await startProxy(answerAlways('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    await sendRawRequest(port, `POST / HTTP/1.1\r\nHost: proxy\r\n${rest}`);
    expect(upstream.requests[0]?.body.toString()).toBe(body);
    expect(upstream.requests[0]?.framing === 'content-length' && body === '' ? 'none' : upstream.requests[0]?.framing).toBe(framing);
  });

  test('goes out while the body still arrives (nothing above 64 KiB is gathered)', async () => {
    const { port, upstream } = await startProxy(async (from) => {
      await from.waitFor((bytes) => bytes.includes('first'));
      client.send('3\r\nend\r\n0\r\n\r\n');
      await from.nextRequest();
      from.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const client = await openRawConnection(port);
    client.send('POST / HTTP/1.1\r\nHost: proxy\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n');
    expect((await client.readMessage({ kind: 'response' })).body.toString()).toBe('ok');
    expect(upstream.requests[0]?.body.toString()).toBe('firstend');
    client.close();
  });
});

describe('the client response', () => {
  test('arrives as the upstream sends it, without fields that the policy drops', async () => {
    const { port, outcome } = await startProxy(async (from) => {
      await from.nextRequest();
      from.send(STREAM_HEAD + chunk(EVENT));
      await client.waitFor((bytes) => bytes.includes(EVENT));
      from.send(`${chunk(EVENT)}0\r\n\r\n`);
    });
    const client = await openRawConnection(port);
    client.send('GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
    const answer = await client.readMessage({ kind: 'response' });
    expect(answer.startLine).toBe('HTTP/1.1 200 Fine');
    expect(fieldValues(answer.rawHeaders, 'x-internal')).toEqual([]);
    expect(answer.body.toString()).toBe(EVENT + EVENT);
    expect(await outcome()).toMatchObject({ status: 200, relay: { how: 'complete', isEventStream: true } });
    expect(await outcome()).not.toHaveProperty('error');
    client.close();
  });

  test('breaks visibly if the upstream breaks: the chunked body has no end', async () => {
    const { port, outcome } = await startProxy(async (from) => {
      await from.nextRequest();
      from.send(STREAM_HEAD + chunk(EVENT));
      await client.waitFor((bytes) => bytes.includes(EVENT));
      from.reset();
    });
    const client = await openRawConnection(port);
    client.send('GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
    const answer = await client.readMessage({ kind: 'response' });
    expect(answer.complete).toBe(false);
    expect(answer.body.toString()).toBe(EVENT);
    expect(await outcome()).toMatchObject({ status: 200, error: { code: 'truncated' }, relay: { how: 'upstream_failed' } });
  });

  test('breaks with the error event of the relay options where an event has ended', async () => {
    const { port } = await startProxy(async (from) => {
      await from.nextRequest();
      from.send(STREAM_HEAD + chunk(EVENT));
      await client.waitFor((bytes) => bytes.includes(EVENT));
      from.reset();
    }, { options: { relay: { failureEvent: () => Buffer.from('event: error\ndata: {}\n\n') } } });
    const client = await openRawConnection(port);
    client.send('GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
    const answer = await client.readMessage({ kind: 'response' });
    expect([answer.complete, answer.body.toString()]).toEqual([false, `${EVENT}event: error\ndata: {}\n\n`]);
  });

  test('pauses the upstream for a client that does not read (bounded memory), and is whole when it reads', async () => {
    const block = 'x'.repeat(65_536);
    const blocks = 1_000;
    let sent = 0;
    const paused = Promise.withResolvers<void>();
    const { port, outcome } = await startProxy(async (from) => {
      await from.nextRequest();
      from.send(`HTTP/1.1 200 OK\r\nContent-Length: ${blocks * block.length}\r\n\r\n`);
      for (; sent < blocks; sent += 1) if (!from.socket.write(block)) await once(from.socket, 'drain');
    }, { wrap: (client) => ({ dispatch: (options, handler) => client.dispatch(options, watchPauses(handler, () => paused.resolve())) }) });
    const [response] = await once(get({ port, host: '127.0.0.1', agent: false }), 'response') as [IncomingMessage];
    response.pause();
    await paused.promise;
    expect(sent).toBeLessThan(blocks);
    let received = 0;
    for await (const piece of response as AsyncIterable<Buffer>) received += piece.length;
    expect(received).toBe(blocks * block.length);
    expect((await outcome()).relay?.pauses).toBeGreaterThan(0);
  });

  test('has the head that onHead returns', async () => {
    const { port } = await startProxy(answerAlways(wholeResponse(200, [], 'ok')), {
      options: { hooks: { onHead: (head, request) => ({ ...head, rawHeaders: [...head.rawHeaders, 'x-path', request.url ?? ''] }) } },
    });
    expect(fieldValues((await sendRawRequest(port, 'GET /p HTTP/1.1\r\nHost: proxy\r\n\r\n')).rawHeaders, 'x-path')).toEqual(['/p']);
  });
});

describe('a client that disconnects', () => {
  test.each([
    ['while the upstream has not answered', ''],
    ['in the middle of a stream', STREAM_HEAD + chunk(EVENT)],
  ])('%s ends the request at the upstream (no generation continues unread)', async (_when, sent) => {
    const { port, upstream, outcome } = await startProxy(async (from) => {
      await from.nextRequest();
      if (sent === '') client.close();
      else from.send(sent);
    });
    const client = await openRawConnection(port);
    client.send('GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
    if (sent !== '') {
      await client.waitFor((bytes) => bytes.includes(EVENT));
      client.close();
    }
    expect((await outcome()).relay?.how).toBe('client_gone');
    expect(await upstream.connections[0]?.closed()).not.toBe('open');
  });

  test('while its body arrives ends the request, and its slot is free', async () => {
    const { port, client: pool, outcome } = await startProxy(async (from) => {
      await from.waitFor((bytes) => bytes.includes('first'));
      client.reset();
    });
    const client = await openRawConnection(port);
    client.send('POST / HTTP/1.1\r\nHost: proxy\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n');
    expect(await outcome()).not.toHaveProperty('status');
    expect(pool.stats().active).toBe(0);
  });
});

describe('a request that is not forwarded', () => {
  test.each([
    ['GET http://other/ HTTP/1.1\r\nHost: proxy\r\n\r\n', 400, 'invalid_request'],
    ['GET / HTTP/1.1\r\nHost: proxy\r\nHost: proxy\r\n\r\n', 400, 'invalid_request'],
    ['POST / HTTP/1.1\r\nHost: proxy\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 400, 'invalid_request'],
    ['GET / HTTP/1.1\r\nHost: proxy\r\nConnection: content-type\r\n\r\n', 400, 'invalid_request'],
    ['POST / HTTP/1.1\r\nHost: proxy\r\nContent-Length: 2000\r\n\r\n', 413, 'too_large'],
    [`POST / HTTP/1.1\r\nHost: proxy\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n${'x'.repeat(2_000)}\r\n`, 413, 'too_large'],
    ['POST / HTTP/1.1\r\nHost: proxy\r\nContent-Length: 20\r\n\r\nslow', 408, 'too_slow'],
    ['POST / HTTP/1.1\r\nHost: proxy\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nslow\r\n', 408, 'too_slow'],
  ])('%j is a %i (%s)', async (head, status, code) => {
    const { port, outcome } = await startProxy(answerAlways(wholeResponse(200, [], 'no')), { options: { limits: { maxRequestBytes: 1_000, bodyStepTimeoutMs: 300 } } });
    const client = await openRawConnection(port);
    client.send(head);
    expect(statusOn(await client.readMessage({ kind: 'response' }))).toBe(status);
    const { error, status: settled } = await outcome();
    expect([settled, isProxyError(error) && error.code]).toEqual([status, code]);
    client.close();
  });

  test('because a body parser has read it is a 500, with the error body_consumed in its outcome', async () => {
    const { port, outcome } = await startProxy(answerAlways(wholeResponse(200, [], 'no')), {
      listener: (proxy) => async (request, response) => {
        for await (const piece of request) void piece;
        await proxy(request, response);
      },
    });
    expect(statusOn(await sendRawRequest(port, 'POST / HTTP/1.1\r\nHost: proxy\r\nContent-Length: 2\r\n\r\nhi'))).toBe(500);
    expect((await outcome()).error).toMatchObject({ code: 'body_consumed' });
  });
});

describe('hooks', () => {
  test('respondToFailure makes the response to a failure, with its status and fields', async () => {
    const failures: ProxyFailure[] = [];
    const { port, outcome } = await startProxy((from) => { from.close(); }, {
      options: { hooks: { respondToFailure(failure) { failures.push(failure); return { status: 599, headers: ['x-mine', '1', ...failure.headers], body: Buffer.from('mine') }; } } },
    });
    const answer = await sendRawRequest(port, 'GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
    expect([statusOn(answer), fieldValues(answer.rawHeaders, 'x-mine'), answer.body.toString()]).toEqual([599, ['1'], 'mine']);
    expect(failures).toMatchObject([{ status: 502, error: { code: 'reset' } }]);
    expect((await outcome()).status).toBe(599);
  });

  test.each([
    ['respondToFailure', 502], ['onDropped', 500], ['onHead', 500], ['onSettled', 200],
  ])('an exception in %s fails its request only', async (name, status) => {
    let answers = 0;
    const { port } = await startProxy((from) => (name === 'respondToFailure' ? from.close() : answerAlways(wholeResponse(200, [], 'ok'))(from, undefined as never)), {
      options: { hooks: { [name]: () => { answers += 1; throw new Error('a bug'); } } },
    });
    for (let request = 0; request < 2; request += 1) {
      expect(statusOn(await sendRawRequest(port, 'GET / HTTP/1.1\r\nHost: proxy\r\n\r\n'))).toBe(status);
    }
    expect(answers).toBeGreaterThanOrEqual(2);
  });

  test('onSettled is called once for each request, however it ends', async () => {
    const { port, outcomes, outcome } = await startProxy(answerAlways(wholeResponse(200, [], 'ok')), { options: { policy } });
    await sendRawRequest(port, 'GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
    await sendRawRequest(port, 'GET http://x/ HTTP/1.1\r\nHost: proxy\r\n\r\n');
    await outcome(1);
    expect(outcomes.map(({ status }) => status)).toEqual([200, 400]);
  });
});
