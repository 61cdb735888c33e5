import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fieldValues, openRawConnection, type RawConnection } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { createInboundServer } from '../src/create-inbound-server.ts';
import { InboundMessage } from '../src/inbound-message.ts';
import { respond } from '../src/respond.ts';

type Handler = (request: InboundMessage, response: ServerResponse) => Promise<void>;

interface Served {
  readonly connection: RawConnection;
  [Symbol.asyncDispose](): Promise<void>;
}

async function serve(handler: Handler): Promise<Served> {
  const server = createInboundServer({
    onRequest: (request, response) => {
      if (!(request instanceof InboundMessage)) throw new Error('the server makes its own requests');
      handler(request, response).catch((error: unknown) => { response.end(String(error)); });
    },
    describeParserError: () => ({ headers: [], body: Buffer.alloc(0) }), maxConnections: 10,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = await openRawConnection((server.address() as AddressInfo).port);
  return {
    connection,
    [Symbol.asyncDispose]: async () => {
      connection.close();
      server.close();
      await once(server, 'close');
    },
  };
}

const head = (framing: string): string => `POST / HTTP/1.1\r\nhost: a\r\n${framing}\r\n\r\n`;

/** Where the phase that receives a body begins: behind the promise that every request waits for. */
async function answerWithTaken(request: InboundMessage, response: ServerResponse): Promise<void> {
  await Promise.resolve();
  const { headers } = request;
  const taken = request.tryReadBufferedBody(headers['content-length'] === undefined ? undefined : Number(headers['content-length']));
  response.end(taken === undefined ? 'not whole' : Buffer.concat(taken.take()));
}

describe('a body that came with its head', () => {
  test('is taken as it is, and its request ends like any other: one after the other on a connection', async () => {
    const events: string[] = [];
    await using served = await serve(async (request, response) => {
      for (const name of ['end', 'close']) request.once(name, () => { events.push(name); });
      await answerWithTaken(request, response);
      expect(request.listenerCount('data')).toBe(0);
    });
    for (const body of ['first', 'x'.repeat(5_000), 'caf\u00e9']) {
      events.length = 0;
      served.connection.send(`${head(`content-length: ${body.length}`)}${body}`);
      expect((await served.connection.readMessage({ kind: 'response' })).body.toString('latin1')).toBe(body);
      await expect.poll(() => events).toEqual(['end', 'close']);
    }
  });

  test('is taken when the request was complete for long, too', async () => {
    let isEnded = false;
    await using served = await serve(async (request, response) => {
      request.once('end', () => { isEnded = true; });
      while (!request.complete) await new Promise(setImmediate);
      expect(isEnded).toBe(false);
      await answerWithTaken(request, response);
    });
    served.connection.send(`${head('content-length: 4')}body`);
    expect((await served.connection.readMessage({ kind: 'response' })).body.toString()).toBe('body');
    await expect.poll(() => isEnded).toBe(true);
  });

  test.each([
    ['of which a part is still to come', 'content-length: 6', 'bod'],
    ['of chunks', 'transfer-encoding: chunked', '4\r\nbody\r\n0\r\n\r\n'],
    ['of nothing', 'content-length: 0', ''],
    ['that is not announced', 'x-a: b', ''],
  ])('is not one %s', async (_what, framing, body) => {
    await using served = await serve(answerWithTaken);
    served.connection.send(`${head(framing)}${body}`);
    expect((await served.connection.readMessage({ kind: 'response' })).body.toString()).toBe('not whole');
  });

  test('whole body: leaves the body to a request with listeners', async () => {
    await using served = await serve(async (request, response) => {
      let read = '';
      request.on('data', (chunk) => { read += String(chunk); });
      await Promise.resolve();
      expect(request.tryReadBufferedBody(4)).toBeUndefined();
      await once(request, 'end');
      response.end(read);
    });
    served.connection.send(`${head('content-length: 4')}body`);
    expect((await served.connection.readMessage({ kind: 'response' })).body.toString()).toBe('body');
  });

  test.each(['', 'expect: 100-continue\r\n'])('leaves no rest to wait for: a refusal keeps its connection (%j)', async (expectation) => {
    await using served = await serve(async (request, response) => {
      await Promise.resolve();
      if (request.headers.expect !== undefined) response.writeContinue();
      expect(request.tryReadBufferedBody(4)?.byteLength).toBe(4);
      await respond(request, response, { status: 400, headers: [], body: Buffer.from('refused') });
    });
    for (let round = 0; round < 2; round += 1) {
      served.connection.send(`${head(`${expectation}content-length: 4`)}body`);
      if (expectation !== '') await served.connection.waitFor((unread) => unread.includes('100 Continue'));
      let answer = await served.connection.readMessage({ kind: 'response' });
      if (answer.rawHeaders.length === 0) answer = await served.connection.readMessage({ kind: 'response' });
      const { rawHeaders, body } = answer;
      expect([fieldValues(rawHeaders, 'connection'), body.toString()]).toEqual([['keep-alive'], 'refused']);
    }
  });
});
