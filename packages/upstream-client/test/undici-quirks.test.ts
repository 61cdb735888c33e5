import { Buffer } from 'node:buffer';
import { answerAlways, startScriptedUpstream, wholeResponse, type ConnectionScript } from '@penstock/test-support';
import { Client, errors, type Dispatcher } from 'undici';
import { describe, expect, test } from 'vitest';
import { WriteStallBody } from '../src/exchange/write-stall-body.ts';
import {
  isIdleExpiry, isMalformedResponse, isNotKeptAlive, isPauseArtefact, isUnsolicited, METHOD_CALLED_ON_BODIES, parserReason, REQUEST_DEFECT_CODES, type NamedDispatchOptions,
} from '../src/undici/quirks.ts';

type Options = Dispatcher.DispatchOptions;
type Hooks = Partial<Dispatcher.DispatchHandler>;

/** One request through undici alone: its error, if it has one. */
function ask(client: Client, options: Partial<Options> = {}, hooks: Hooks = {}): Promise<Error | undefined> {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  const sent: Options = { path: '/', method: 'GET', ...options };
  client.dispatch(sent, {
    onRequestStart: () => undefined, onResponseStart: () => undefined, onResponseData: () => undefined,
    onResponseEnd: () => { resolve(undefined); }, onResponseError: (_controller, error) => { resolve(error); }, ...hooks,
  });
  return promise;
}

/** The error with which undici ends the connection after `script` answered one request. */
async function disconnection(script: ConnectionScript, options: Client.Options = {}): Promise<Error> {
  await using upstream = await startScriptedUpstream(script);
  const client = new Client(upstream.origin, options);
  const { promise, resolve } = Promise.withResolvers<Error>();
  client.on('disconnect', (_origin, _targets, error) => { resolve(error); });
  await ask(client);
  const error = await promise;
  await client.destroy();
  return error;
}

/** The error of a request that is answered with `answer`. */
async function failure(answer: string, options: Client.Options = {}): Promise<Error & { code?: string }> {
  await using upstream = await startScriptedUpstream(answerAlways(Buffer.from(answer)));
  const client = new Client(upstream.origin, options);
  const error = await ask(client);
  await client.destroy();
  if (error === undefined) throw new Error('the request did not fail');
  return error;
}

const OK = wholeResponse(200, [], 'ok');

describe('the words with which undici ends a connection', () => {
  test('isIdleExpiry: the keep-alive time is over', async () => {
    const error = await disconnection(async (connection) => { await connection.nextRequest(); connection.send(OK); await connection.closed(); }, { keepAliveTimeout: 20, keepAliveMaxTimeout: 20 });
    expect([isIdleExpiry(error), isNotKeptAlive(error), isUnsolicited(error)]).toEqual([true, false, false]);
  });

  test('isNotKeptAlive: the response has `connection: close`', async () => {
    const error = await disconnection(answerAlways(wholeResponse(200, ['connection', 'close'], 'ok')));
    expect([isIdleExpiry(error), isNotKeptAlive(error), isUnsolicited(error)]).toEqual([false, true, false]);
  });

  test.each(['HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', 'no response'])('isUnsolicited: an idle connection receives %j', async (bytes) => {
    const error = await disconnection(async (connection) => {
      await connection.nextRequest();
      connection.send(OK);
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
      connection.send(Buffer.from(bytes));
      await connection.closed();
    });
    expect([isIdleExpiry(error), isNotKeptAlive(error), isUnsolicited(error)]).toEqual([false, false, true]);
  });
});

describe('the words with which undici refuses a response', () => {
  test.each([
    ['a 101 without an upgrade', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n', 'bad upgrade'],
    ['a 100 Continue without an expectation', 'HTTP/1.1 100 Continue\r\n\r\n', 'bad response'],
  ])('isMalformedResponse: %s', async (_name, answer, message) => {
    const error = await failure(answer);
    expect(error).toMatchObject({ code: 'UND_ERR_SOCKET', message });
    expect(isMalformedResponse(error, 'UND_ERR_SOCKET')).toBe(true);
  });

  test('isMalformedResponse and parserReason: a parser error has a name, no code, and its reason in brackets at the end', async () => {
    const error = await failure('HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n');
    expect(error.name).toBe('HTTPParserError');
    expect(isMalformedResponse(error, '')).toBe(true);
    expect(parserReason(error)).toMatch(/content-length/i);
  });

  test('isMalformedResponse: a head beyond `maxHeaderSize`', async () => {
    const error = await failure(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(500)}\r\ncontent-length: 0\r\n\r\n`, { maxHeaderSize: 200 });
    expect(error.code).toBe('UND_ERR_HEADERS_OVERFLOW');
    expect(isMalformedResponse(error, error.code ?? '')).toBe(true);
  });

  test('isMalformedResponse: the code of a body of another length than its head announces', () => {
    expect(isMalformedResponse(new errors.ResponseContentLengthMismatchError(), new errors.ResponseContentLengthMismatchError().code)).toBe(true);
  });

  test('isMalformedResponse: not a connection that closes without a response', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => { await connection.nextRequest(); connection.close(); });
    const client = new Client(upstream.origin);
    const error = await ask(client) as Error & { code: string };
    expect(error.code).toBe('UND_ERR_SOCKET');
    expect(isMalformedResponse(error, error.code)).toBe(false);
    await client.destroy();
  });
});

describe('the codes with which undici refuses a request', () => {
  test.each<[string, Partial<Options>, string]>([
    ['a field name that is none', { headers: ['a b', '1'] }, 'UND_ERR_INVALID_ARG'],
    ['an expectation', { headers: ['expect', '100-continue'] }, 'UND_ERR_NOT_SUPPORTED'],
    ['a wrong content-length', { method: 'POST', body: 'abc', headers: ['content-length', '5'] }, 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'],
  ])('REQUEST_DEFECT_CODES: %s', async (_name, options, code) => {
    await using upstream = await startScriptedUpstream(answerAlways(OK));
    const client = new Client(upstream.origin);
    expect(await ask(client, options)).toMatchObject({ code });
    expect(REQUEST_DEFECT_CODES).toContain(code);
    await client.destroy();
  });
});

describe('the habits of undici', () => {
  test('isPauseArtefact: undici delivers an empty chunk after a pause in which nothing came', async () => {
    const resumed = Promise.withResolvers<void>();
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab'));
      await resumed.promise;
      connection.send(Buffer.from('cd'));
      await connection.closed();
    });
    const client = new Client(upstream.origin);
    const chunks: string[] = [];
    await ask(client, {}, {
      onResponseData: (controller, chunk) => {
        chunks.push(isPauseArtefact(chunk) ? 'empty' : chunk.toString());
        if (chunks.length > 1) return;
        controller.pause();
        setImmediate(() => { controller.resume(); setImmediate(resumed.resolve); });
      },
    });
    expect(chunks).toEqual(['ab', 'empty', 'cd']);
    await client.destroy();
  });

  test('joinReasonPhrase: undici delivers the last piece of a reason phrase that arrives in pieces', async () => {
    const begun = Promise.withResolvers<void>();
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(Buffer.from('HTTP/1.1 200 O'));
      await begun.promise;
      connection.send(Buffer.from('K\r\ncontent-length: 0\r\n\r\n'));
      await connection.closed();
    });
    const client = new Client(upstream.origin);
    let phrase: string | undefined;
    await ask(client, {}, { onResponseStarted: begun.resolve, onResponseStart: (_controller, _status, _headers, message) => { phrase = message; } });
    expect(phrase).toBe('K');
    await client.destroy();
  });

  test('METHOD_CALLED_ON_BODIES: undici calls it on an iterable body, and our body class has none', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(OK));
    const client = new Client(upstream.origin);
    let calls = 0;
    const body = { async *[Symbol.asyncIterator]() { yield Buffer.from('a'); }, [METHOD_CALLED_ON_BODIES]: () => { calls += 1; } };
    await ask(client, { method: 'POST', body: body as unknown as NonNullable<Options['body']> });
    expect(calls).toBeGreaterThan(0);
    expect(METHOD_CALLED_ON_BODIES in WriteStallBody.prototype).toBe(false);
    await client.destroy();
  });

  test('NamedDispatchOptions: undici connects with the `servername` of the request, whatever its `host` field', async () => {
    const names: unknown[] = [];
    const client = new Client('https://127.0.0.1:1', { connect: (options, callback) => { names.push(options.servername); callback(new Error('no connection'), null); } });
    const options: NamedDispatchOptions = { path: '/', method: 'GET', headers: ['host', 'other.example'], servername: 'named.example' };
    expect((await ask(client, options))?.message).toBe('no connection');
    expect(names).toEqual(['named.example']);
    await client.destroy();
  });

  test('a request whose connection dies fails as well as its connection (the slot pool leaves an active slot to its request)', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => { await connection.nextRequest(); connection.close(); });
    const client = new Client(upstream.origin);
    const ended: string[] = [];
    const disconnected = new Promise<void>((resolve) => { client.on('disconnect', () => { ended.push('connection'); resolve(); }); });
    if (await ask(client) !== undefined) ended.push('request');
    await disconnected;
    expect(ended.toSorted()).toEqual(['connection', 'request']);
    await client.destroy();
  });
});
