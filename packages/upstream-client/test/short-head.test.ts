// Heads of which undici's parser gets the short form: the same fields, bodies, ends and errors as with all of it, wherever the network cuts them.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import { createAuthority, startScriptedUpstream, type ScriptedUpstream } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { createUpstreamClient, type UpstreamClient } from '../src/index.ts';
import { cutHead } from '../src/undici/short-head.ts';
import { kParser } from '../src/undici/undici-parts.ts';
import { seededRandom } from './abort-storm.ts';
import { dispatchRequest } from './dispatch-request.ts';

const LIMIT = 16_384;

/** An upstream that answers each request with the pieces that `answer` holds then, each in a read of its own as far as the network allows. */
async function startPieces(server?: Parameters<typeof createServer>[0]): Promise<ScriptedUpstream & { answer: readonly string[] }> {
  const state = { answer: [] as readonly string[] };
  const upstream = await startScriptedUpstream(async (connection) => {
    while (connection.end() === 'open') {
      const request = await connection.nextRequest(60_000);
      if (!request.complete) return;
      for (const piece of state.answer) {
        connection.send(Buffer.from(piece, 'latin1'));
        for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
      }
      if (state.answer.at(-1)?.endsWith('CUT') === true) connection.socket.destroy();
    }
  }, server === undefined ? {} : { server: createServer(server) });
  return Object.defineProperty({ ...upstream, answer: state.answer }, 'answer', { set: (answer: readonly string[]) => { state.answer = answer; } });
}

interface Outcome {
  readonly heads: readonly unknown[];
  readonly body: string;
  readonly trailers: unknown;
  readonly error: string | undefined;
}

/** The fields as texts: a client without shortcuts has those of a final response as it was sent, too. */
async function ask(client: UpstreamClient, responseFields: 'raw' | 'parsed' = 'raw'): Promise<Outcome> {
  const heads: unknown[] = [];
  const { body, trailers, error } = await dispatchRequest(client, { body: '{}', responseFields }, {
    onResponseStart: (controller, status, _headers, message) => { heads.push([status, message, (controller.rawHeaders as (string | Buffer)[]).map((field) => field.toString('latin1'))]); },
  }).result;
  return { heads, body, trailers, error: error === undefined ? undefined : String(Reflect.get(error, 'code')) };
}

/** The names of the fields that the parsers of the connections that were opened in `work` were given. */
async function fieldsParsed(work: () => Promise<unknown>): Promise<string[]> {
  const names: string[] = [];
  const onConnected = (message: unknown): void => {
    const parser = (message as { readonly socket: Record<symbol, { onHeaderField: (this: object, name: Buffer) => number }> }).socket[kParser];
    if (parser === undefined) throw new Error('no parser');
    const { onHeaderField } = parser;
    parser.onHeaderField = function counting(name) {
      names.push(name.toString('latin1'));
      return onHeaderField.call(this, name);
    };
  };
  subscribe('undici:client:connected', onConnected);
  try {
    await work();
  } finally {
    unsubscribe('undici:client:connected', onConnected);
  }
  return names;
}

const USUAL = 'HTTP/1.1 200 OK\r\nDate: Mon, 30 Nov 2026 17:00:00 GMT\r\nrequest-id: req_1\r\nRequest-Id: req_2\r\nX-Latin: caf\u00e9 \u00ff\r\nX-Tab: a\tb\r\n';

/** Heads with bodies. */
const ANSWERS: readonly (readonly [name: string, answer: string, isCut: boolean])[] = [
  ['a counted body', `${USUAL}Content-Length: 4\r\n\r\nbody`, true],
  ['a body of no bytes', `${USUAL}Content-Length: 0\r\n\r\n`, true],
  ['a chunked body', `${USUAL}Transfer-Encoding: chunked\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n`, true],
  ['a status without a phrase', 'HTTP/1.1 529 \r\nx-a: 1\r\ncontent-length: 4\r\n\r\nbody', true],
  ['no field', 'HTTP/1.1 204 No Content\r\n\r\n', true],
  ['a connection that closes', `${USUAL}Connection: close, x-a\r\nContent-Length: 4\r\n\r\nbody`, true],
  ['no length', `${USUAL}\r\nbodyCUT`, true],
  ['an early head before it', `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${USUAL}Content-Length: 4\r\n\r\nbody`, false],
  ['another body that looks like a head', `${USUAL}Content-Length: 52\r\n\r\nHTTP/1.1 200 OK\r\nx-other: 1\r\ncontent-length: 999\r\n\r\n!`, true],
  ['a second response behind it', `${USUAL}Content-Length: 4\r\n\r\nbody${USUAL}Content-Length: 5\r\n\r\nstray`, true],
  ['an empty value', 'HTTP/1.1 200 OK\r\nx-empty: \r\nx-none:\r\ncontent-length: 4\r\n\r\nbody', false],
  ['white space around a value', 'HTTP/1.1 200 OK\r\nx-a:1\r\nx-b:  2\r\nx-c: 3 \r\nx-d:\t4\t\r\ncontent-length: 4\r\n\r\nbody', false],
  ['a folded value', 'HTTP/1.1 200 OK\r\nx-a: 1\r\n 2\r\ncontent-length: 4\r\n\r\nbody', false],
  ['a line feed alone', 'HTTP/1.1 200 OK\r\nx-a: 1\ncontent-length: 4\r\n\r\nbody', false],
  ['a carriage return alone', 'HTTP/1.1 200 OK\r\nx-a: 1\rx-b: 2\r\ncontent-length: 4\r\n\r\nbody', false],
  ['a control character', 'HTTP/1.1 200 OK\r\nx-a: 1\u0001\r\ncontent-length: 4\r\n\r\nbody', false],
  ['a space in a name', 'HTTP/1.1 200 OK\r\nx a: 1\r\ncontent-length: 4\r\n\r\nbody', false],
  ['a space behind a name', 'HTTP/1.1 200 OK\r\nx-a : 1\r\ncontent-length: 4\r\n\r\nbody', false],
  ['no name', 'HTTP/1.1 200 OK\r\n: 1\r\ncontent-length: 4\r\n\r\nbody', false],
  ['no colon', 'HTTP/1.1 200 OK\r\nx-a\r\ncontent-length: 4\r\n\r\nbody', false],
  ['two lengths', `${USUAL}Content-Length: 4\r\ncontent-length: 4\r\n\r\nbody`, true],
  ['a length that is none', `${USUAL}Content-Length: 4x\r\n\r\nbody`, true],
  ['a length and chunks', `${USUAL}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`, true],
  ['an upgrade', `${USUAL}Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 4\r\n\r\nbody`, true],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nx-a: 1\r\ncontent-length: 4\r\n\r\nbody', false],
  ['a phrase that is not ASCII', 'HTTP/1.1 200 caf\u00e9\r\nx-a: 1\r\ncontent-length: 4\r\n\r\nbody', false],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\nx-a: 1\r\ncontent-length: 4\r\n\r\nbody', false],
  ['more fields than are looked at', `HTTP/1.1 200 OK\r\n${'x-a: 1\r\n'.repeat(129)}content-length: 4\r\n\r\nbody`, false],
  ['a head that is too large', `HTTP/1.1 200 OK\r\nx-a: ${'1'.repeat(LIMIT)}\r\ncontent-length: 4\r\n\r\nbody`, false],
];

describe('the head of a response that is shortened for the parser', () => {
  test.each(ANSWERS)('with %s: fields, body, trailers and error are those of the parser, in one read and cut in two anywhere', async (_name, answer, isCut) => {
    expect(cutHead(Buffer.from(answer, 'latin1'), LIMIT) !== undefined, 'is cut').toBe(isCut);
    const upstream = await startPieces();
    await using fast = createUpstreamClient({ origin: upstream.origin });
    await using plain = createUpstreamClient({ origin: upstream.origin, plain: true });
    const step = answer.length > 400 ? 997 : 5;
    for (let at = 0; at < answer.length; at += step) {
      upstream.answer = [answer.slice(0, at), answer.slice(at)].filter((piece) => piece !== '');
      expect(await ask(fast), `cut at ${at}`).toEqual(await ask(plain));
    }
    await Promise.all([fast.destroy(), plain.destroy()]);
    await upstream.close();
  });

  test('short_head: undici\'s parser gets only the fields that it reads itself; all of them with `plain`, and where the handler wants them parsed', async () => {
    const upstream = await startPieces();
    upstream.answer = [`${USUAL}Content-Length: 4\r\nConnection: keep-alive\r\n\r\nbody`];
    const count = (plain: boolean, responseFields: 'raw' | 'parsed'): Promise<string[]> => fieldsParsed(async () => {
      await using client = createUpstreamClient({ origin: upstream.origin, plain });
      for (let request = 0; request < 2; request += 1) expect(await ask(client, responseFields)).toMatchObject({ body: 'body', error: undefined });
    });
    expect(await count(false, 'raw')).toEqual(['Content-Length', 'Connection', 'Content-Length', 'Connection']);
    expect(await count(true, 'raw')).toHaveLength(14);
    expect(await count(false, 'parsed')).toHaveLength(14);
    await upstream.close();
  });

  test('a request whose fields are parsed gets all of them on a connection that has served one whose fields are raw', async () => {
    const upstream = await startPieces();
    await using client = createUpstreamClient({ origin: upstream.origin, pool: { maxConnections: 1 } });
    const answer = `${USUAL}Content-Length: 4\r\n\r\nbody`;
    for (const responseFields of ['raw', 'parsed', 'raw', 'parsed'] as const) {
      upstream.answer = [answer];
      const { heads: [head] } = await ask(client, responseFields);
      expect((head as unknown[][])[2]).toHaveLength(12);
    }
    await upstream.close();
  });

  test('a head that undici refuses leaves nothing behind for the next response', async () => {
    const upstream = await startPieces();
    await using client = createUpstreamClient({ origin: upstream.origin });
    upstream.answer = ['HTTP/1.1 200 OK\r\nx-refused: 1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody'];
    expect((await ask(client)).error).toBe('invalid_response');
    upstream.answer = ['HTTP/1.1 200', ' OK\r\nx-a: 1\r\ncontent-length: 4\r\n\r\nbody'];
    expect((await ask(client)).heads).toEqual([[200, 'OK', ['x-a', '1', 'content-length', '4']]]);
    await upstream.close();
  });

  test('a subscriber to the diagnostics of undici gets all fields', async () => {
    const upstream = await startPieces();
    await using client = createUpstreamClient({ origin: upstream.origin });
    upstream.answer = [`${USUAL}Content-Length: 4\r\n\r\nbody`];
    const watched: number[] = [];
    const watch = (message: unknown): void => { watched.push((message as { response: { headers: unknown[] } }).response.headers.length); };
    subscribe('undici:request:headers', watch);
    await ask(client);
    unsubscribe('undici:request:headers', watch);
    expect(watched).toEqual([12]);
    await upstream.close();
  });

  test('bytes that come before the request is written end the connection, and the request is answered over another one', async () => {
    const sockets: Socket[] = [];
    const onSocket = (message: unknown): void => { sockets.push((message as { readonly socket: Socket }).socket); };
    subscribe('net.client.socket', onSocket);
    const upstream = await startPieces();
    await using client = createUpstreamClient({ origin: upstream.origin });
    upstream.answer = [`${USUAL}Content-Length: 4\r\n\r\nbody`];
    await ask(client);
    for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
    const asked = ask(client);
    // undici writes a request in the next turn only.
    sockets[0]?.push(Buffer.from('HTTP/1.1 200 OK\r\nx-stray: 1\r\ncontent-length: 5\r\n\r\nstray'));
    const { heads, body } = await asked;
    unsubscribe('net.client.socket', onSocket);
    expect([JSON.stringify(heads).includes('x-stray'), body]).toEqual([false, 'body']);
    await upstream.close();
  });

  test.each([['clear text', undefined], ['TLS', createAuthority('Test CA')]] as const)('over %s: random heads in random pieces, while readers pause and resume at random', async (_name, authority) => {
    const upstream = await startPieces(authority?.issue({ names: ['127.0.0.1'] }));
    const origin = authority === undefined ? upstream.origin : `https://127.0.0.1:${upstream.port}`;
    await using client = createUpstreamClient({ origin, ...(authority === undefined ? {} : { tls: { ca: authority.cert } }) });
    for (let seed = 1; seed <= 60; seed += 1) {
      const random = seededRandom(seed);
      const fields = Array.from({ length: random(30) }, (_, index) => [`${random(2) === 0 ? 'x' : 'X'}-${index}-${'n'.repeat(random(12))}`, String(index).padStart(1 + random(40), 'v')]).flat();
      const sent = 'b'.repeat(random(3) === 0 ? 70_000 : random(900));
      fields.splice(2 * random(fields.length / 2 + 1), 0, 'Content-Length', String(sent.length));
      let text = 'HTTP/1.1 200 OK\r\n';
      for (let index = 0; index < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`;
      text += `\r\n${sent}`;
      const at = random(3) === 0 ? random(text.length) : 0;
      upstream.answer = [text.slice(0, at), text.slice(at)].filter((piece) => piece !== '');
      let isPaused = false;
      let whilePaused = 0;
      let seen: unknown;
      const pause = (controller: { pause(): void; resume(): void }): void => {
        if (isPaused) whilePaused += 1;
        if (isPaused || random(2) === 0) return;
        isPaused = true;
        controller.pause();
        setImmediate(() => { isPaused = false; controller.resume(); });
      };
      const { body, error } = await dispatchRequest(client, { body: '{}', responseFields: 'raw' }, {
        onResponseStart: (controller) => { seen = controller.rawHeaders; pause(controller); },
        onResponseData: (controller) => { pause(controller); },
      }).result;
      expect({ seed, error, seen, body: body === sent, whilePaused }).toEqual({ seed, error: undefined, seen: fields, body: true, whilePaused: 0 });
    }
    await upstream.close();
  });
});
