// The chunks of a body that do not pass undici's parser: the same bytes, ends and errors as with it, wherever the network cuts them.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { createServer, type TlsOptions as ServerOptions } from 'node:tls';
import { createAuthority, startScriptedUpstream, type ScriptedUpstream } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { createUpstreamClient, type UpstreamClient, type UpstreamClientOptions } from '../src/index.ts';
import { DirectChunks } from '../src/undici/direct-chunks.ts';
import { seededRandom } from './abort-storm.ts';
import { dispatchRequest } from './dispatch-request.ts';

const HEAD = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Some turns of the event loop, in which what was written is read at the other end. */
async function turns(count = 4): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}

/** An upstream that answers each request with the pieces that `answer` holds then, each in a read of its own as far as the network allows. */
async function startPieces(server?: ServerOptions): Promise<ScriptedUpstream & { answer: readonly string[] }> {
  const state = { answer: [] as readonly string[] };
  const upstream = await startScriptedUpstream(async (connection) => {
    while (connection.end() === 'open') {
      const request = await connection.nextRequest(60_000);
      if (!request.complete) return;
      for (const piece of state.answer) {
        connection.send(piece);
        await turns();
      }
      if (state.answer.at(-1)?.endsWith('CUT') === true) connection.socket.destroy();
    }
  }, server === undefined ? {} : { server: createServer(server) });
  return Object.defineProperty({ ...upstream, answer: state.answer }, 'answer', { set: (answer: readonly string[]) => { state.answer = answer; } });
}

/** An upstream that answers with a chunk, and then with each of the pieces when `sendNext` was called: each comes in a read of its own, however loaded the machine is. */
async function startGated(pieces: readonly string[]): Promise<ScriptedUpstream & { readonly sendNext: () => void }> {
  let gate = Promise.withResolvers<void>();
  const upstream = await startScriptedUpstream(async (connection) => {
    while (connection.end() === 'open') {
      const request = await connection.nextRequest(60_000);
      if (!request.complete) return;
      gate = Promise.withResolvers<void>();
      connection.send(`${HEAD}5\r\nfirst\r\n`);
      for (const piece of pieces) {
        await gate.promise;
        gate = Promise.withResolvers<void>();
        connection.send(piece);
      }
    }
  });
  return { ...upstream, sendNext: () => gate.resolve() };
}

interface Outcome {
  readonly status: number | undefined;
  readonly body: string;
  readonly trailers: unknown;
  readonly error: string | undefined;
}

async function ask(client: UpstreamClient, hooks: Parameters<typeof dispatchRequest>[2] = {}): Promise<Outcome> {
  const { status, body, trailers, error } = await dispatchRequest(client, { body: '{}' }, hooks).result;
  return { status, body, trailers, error: error === undefined ? undefined : String(Reflect.get(error, 'code')) };
}

/** How many bytes are taken without the parser while `work` runs. */
async function bytesTaken(work: () => Promise<unknown>): Promise<number> {
  const takeFrom: DirectChunks['takeFrom'] = Reflect.get(DirectChunks.prototype, 'takeFrom');
  let taken = 0;
  DirectChunks.prototype.takeFrom = function counting(this: DirectChunks, ...given) {
    const count = takeFrom.apply(this, given);
    taken += count;
    return count;
  };
  try {
    await work();
  } finally {
    DirectChunks.prototype.takeFrom = takeFrom;
  }
  return taken;
}

const clients = async (origin: string, options: Partial<UpstreamClientOptions> = {}): Promise<{ fast: UpstreamClient; plain: UpstreamClient } & AsyncDisposable> => {
  const made = { fast: createUpstreamClient({ origin, ...options }), plain: createUpstreamClient({ origin, plain: true, ...options }) };
  return { ...made, [Symbol.asyncDispose]: async () => { await Promise.all([made.fast.close(), made.plain.close()]); } };
};

const BODIES: readonly (readonly [name: string, body: string])[] = [
  ['events', '5\r\nfirst\r\n6\r\nsecond\r\n5\r\nthird\r\n0\r\n\r\n'],
  ['sizes with leading zeros and capitals', '5\r\nfirst\r\n00A\r\n0123456789\r\n0\r\n\r\n'],
  ['a size of many digits', '5\r\nfirst\r\n000000000000000000000006\r\nsecond\r\n5\r\nthird\r\n0\r\n\r\n'],
  ['extensions', '5\r\nfirst\r\n6;name=value\r\nsecond\r\n5\r\nthird\r\n0\r\n\r\n'],
  ['a size with an extension, as long as the chunk before it, and data that looks like a chunk', 'c;abcde\r\n5\r\nother\r\n00\r\n5\r\nfirst\r\n0\r\n\r\n'],
  ['trailers', '5\r\nfirst\r\n6\r\nsecond\r\n0\r\nX-Sum: 1\r\n\r\n'],
  ['data that looks like chunks', '5\r\nfirst\r\nc\r\n5\r\nother\r\n0\r\n\r\n0\r\n\r\n'],
  ['an end of data that is none', '5\r\nfirst\r\n6\r\nsecondXX5\r\nthird\r\n0\r\n\r\n'],
  ['line feeds alone', '5\r\nfirst\r\n6\nsecond\n0\r\n\r\n'],
  ['a size that is none', '5\r\nfirst\r\nxyz\r\nsecond\r\n0\r\n\r\n'],
  ['a negative size', '5\r\nfirst\r\n-6\r\nsecond\r\n0\r\n\r\n'],
  ['an endless size', `5\r\nfirst\r\n${'f'.repeat(20)}\r\nsecond\r\n0\r\n\r\n`],
  ['a cut between two chunks', '5\r\nfirst\r\n6\r\nsecond\r\nCUT'],
  ['a second response behind the end', '5\r\nfirst\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray'],
];

describe('chunks of a response body', () => {
  test.each(BODIES)('with %s: body, trailers and error are those of the parser, wherever the answer is cut in two', async (_name, body) => {
    const upstream = await startPieces();
    await using both = await clients(upstream.origin);
    let taken = 0;
    for (let at = 0; at < body.length; at += 1) {
      // The first chunk comes whole, so that the parser stands between two chunks.
      upstream.answer = [HEAD, '4\r\nhead\r\n', body.slice(0, at), body.slice(at)].filter((piece) => piece !== '');
      const parsed = await ask(both.plain);
      taken += await bytesTaken(async () => { expect(await ask(both.fast), `cut at ${at}`).toEqual(parsed); });
    }
    expect(taken).toBeGreaterThan(0);
    await upstream.close();
  });

  test('direct_chunks: a whole chunk in a read of its own does not pass the parser; with `plain` each does', async () => {
    const upstream = await startPieces();
    await using both = await clients(upstream.origin);
    upstream.answer = [HEAD, '5\r\nfirst\r\n', '6\r\nsecond\r\n', '5\r\nthird\r\n4\r\nmore\r\n', '0\r\n\r\n'];
    for (let request = 0; request < 3; request += 1) {
      expect(await bytesTaken(() => ask(both.fast))).toBe('6\r\nsecond\r\n5\r\nthird\r\n4\r\nmore\r\n'.length);
      expect(await bytesTaken(() => ask(both.plain))).toBe(0);
    }
    await upstream.close();
  });

  test.each(BODIES)('with %s: a handler that takes framed data gets the same body, and what is framed is a chunk as it came, wherever the answer is cut in two', async (_name, body) => {
    const upstream = await startPieces();
    await using both = await clients(upstream.origin);
    for (let at = 0; at < body.length; at += 1) {
      upstream.answer = [HEAD, '4\r\nhead\r\n', body.slice(0, at), body.slice(at)].filter((piece) => piece !== '');
      const parsed = await ask(both.plain);
      const framedHere: string[] = [];
      const outcome = await ask(both.fast, {
        onFramedData: (_controller, framed, start, end) => {
          framedHere.push(framed.toString('latin1'));
          expect(framed.toString('latin1', 0, start).toLowerCase(), 'the size').toBe(`${(end - start).toString(16)}\r\n`);
          expect(framed.toString('latin1', end), 'the line end').toBe('\r\n');
        },
      });
      expect(outcome, `cut at ${at}`).toEqual(parsed);
      for (const framed of framedHere) expect(body, 'sent so').toContain(framed);
    }
    await upstream.close();
  });

  test('a chunk that was read alone is framed data; several in a read, one of no canonical size, and everything with `plain` is not', async () => {
    const upstream = await startGated(['6\r\nsecond\r\n', '5\r\nthird\r\n4\r\nmore\r\n', '005\r\nfifth\r\n', 'A\r\n0123456789\r\n', '0\r\n\r\n']);
    await using both = await clients(upstream.origin);
    for (const [client, expected] of [[both.fast, ['6\r\nsecond\r\n', 'A\r\n0123456789\r\n']], [both.plain, []]] as const) {
      const framedChunks: string[] = [];
      const { body } = await ask(client, {
        onResponseData: upstream.sendNext,
        onFramedData: (_controller, framed) => { framedChunks.push(framed.toString('latin1')); upstream.sendNext(); },
      });
      expect([body, framedChunks]).toEqual(['firstsecondthirdmorefifth0123456789', expected]);
    }
    await upstream.close();
  });

  test('a handler that pauses in framed data gets no more until it resumes, and one that throws there ends the request with what it threw', async () => {
    const upstream = await startGated(['6\r\nsecond\r\n', '5\r\nthird\r\n', '0\r\n\r\n']);
    await using both = await clients(upstream.origin);
    let isPaused = false;
    let whilePaused = 0;
    const { body } = await ask(both.fast, {
      onResponseData: upstream.sendNext,
      onFramedData: (controller) => {
        upstream.sendNext();
        if (isPaused) whilePaused += 1;
        isPaused = true;
        controller.pause();
        setImmediate(() => { isPaused = false; controller.resume(); });
      },
    });
    expect([body, whilePaused]).toEqual(['firstsecondthird', 0]);
    const thrown = new Error('thrown by the handler');
    const { error } = await dispatchRequest(both.fast, { body: '{}' }, { onResponseData: upstream.sendNext, onFramedData: () => { throw thrown; } }).result;
    expect(error).toBe(thrown);
    await upstream.close();
  });

  test.each([['clear text', undefined], ['TLS', createAuthority('Test CA')]] as const)('over %s: random chunks in random pieces arrive in order while their reader pauses and resumes at random', async (_name, authority) => {
    const upstream = await startPieces(authority?.issue({ names: ['127.0.0.1'] }));
    const origin = authority === undefined ? upstream.origin : `https://127.0.0.1:${upstream.port}`;
    await using client = createUpstreamClient({ origin, ...(authority === undefined ? {} : { tls: { ca: authority.cert } }) });
    let taken = 0;
    for (let seed = 1; seed <= 40; seed += 1) {
      const random = seededRandom(seed);
      const data = Array.from({ length: 1 + random(30) }, (_, index) => `${index}:`.padEnd(3 + random(random(4) === 0 ? 20_000 : 200), String(index % 10)));
      const framed = `${data.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('')}0\r\n\r\n`;
      const pieces: string[] = [];
      for (let at = 0; at < framed.length;) {
        const end = random(2) === 0 ? at + 1 + random(300) : framed.indexOf('\r\n', framed.indexOf('\r\n', at + 1) + 1) + 2;
        pieces.push(framed.slice(at, Math.max(end, at + 1)));
        at += pieces.at(-1)?.length ?? 0;
      }
      upstream.answer = [HEAD, ...pieces];
      let isPaused = false;
      let whilePaused = 0;
      taken += await bytesTaken(async () => {
        const { body, error } = await ask(client, {
          onResponseData: (controller) => {
            if (isPaused) whilePaused += 1;
            if (random(3) !== 0) return;
            isPaused = true;
            controller.pause();
            const resume = (): void => {
              isPaused = false;
              controller.resume();
            };
            if (random(4) === 0) resume();
            else setImmediate(resume);
          },
          ...(seed % 2 === 0 ? {} : { onFramedData: () => { if (isPaused) whilePaused += 1; } }),
        });
        expect({ seed, error, body: body === data.join('') }).toEqual({ seed, error: undefined, body: true });
      });
      expect({ seed, whilePaused }).toEqual({ seed, whilePaused: 0 });
    }
    expect(taken).toBeGreaterThan(0);
    await upstream.close();
  });

  test('bytes that come while another response is being read pass the parser, and the chunk that they begin is taken as one', async () => {
    const sockets: Socket[] = [];
    const onSocket = (message: unknown): void => { sockets.push((message as { readonly socket: Socket }).socket); };
    subscribe('net.client.socket', onSocket);
    const upstream = await startPieces();
    await using first = createUpstreamClient({ origin: upstream.origin });
    await using second = createUpstreamClient({ origin: upstream.origin });
    upstream.answer = [HEAD, '4\r\nhead\r\n'];
    const reading = Promise.withResolvers<string>();
    let body = '';
    const waiting = dispatchRequest(first, { body: '{}' }, { onResponseData: (_controller, chunk) => { body += chunk.toString(); if (body.includes('other')) reading.resolve(body); } });
    await expect.poll(() => body).toBe('head');
    const [socket] = sockets;
    await dispatchRequest(second, { body: '{}' }, {
      onResponseData: (controller) => {
        // As a TLS connection gives bytes to its reader while something is written to it.
        socket?.push(Buffer.from('a\r\n'));
        controller.abort(new Error('enough'));
      },
    }).result;
    await turns();
    // Data of ten bytes that look like a chunk.
    socket?.push(Buffer.from('5\r\nother\r\n\r\n'));
    expect(await reading.promise).toBe('head5\r\nother\r\n');
    waiting.controller.abort(new Error('enough'));
    unsubscribe('net.client.socket', onSocket);
    await waiting.result;
    await upstream.close();
  });

  test('an abort in the middle of a read: no chunk behind it is delivered, and the next request has a connection of its own', async () => {
    const upstream = await startPieces();
    await using client = createUpstreamClient({ origin: upstream.origin, pool: { maxConnections: 1 } });
    upstream.answer = [HEAD, '5\r\nfirst\r\n', '6\r\nsecond\r\n5\r\nthird\r\n', '0\r\n\r\n'];
    const seen: string[] = [];
    const { error } = await dispatchRequest(client, { body: '{}' }, {
      onResponseData: (controller, chunk) => {
        seen.push(chunk.toString());
        if (seen.length === 2) controller.abort(new Error('enough'));
      },
    }).result;
    expect([seen, error?.message]).toEqual([['first', 'second'], 'enough']);
    expect(await ask(client)).toMatchObject({ status: 200, body: 'firstsecondthird', error: undefined });
    await upstream.close();
  });

  test('a reader that throws in the middle of a read ends its request, and only it', async () => {
    const upstream = await startPieces();
    await using client = createUpstreamClient({ origin: upstream.origin });
    upstream.answer = [HEAD, '5\r\nfirst\r\n', '6\r\nsecond\r\n5\r\nthird\r\n', '0\r\n\r\n'];
    const { error, endings } = await dispatchRequest(client, { body: '{}' }, { onResponseData: (_controller, chunk) => { if (chunk.toString() === 'second') throw new Error('defect'); } }).result;
    expect([error?.message, endings]).toEqual(['defect', 1]);
    expect(await ask(client)).toMatchObject({ body: 'firstsecondthird', error: undefined });
    await upstream.close();
  });

  test('a body that is silent between two chunks ends in idle_timeout', async () => {
    const upstream = await startPieces();
    await using client = createUpstreamClient({ origin: upstream.origin, timeouts: { idleMs: 1_000 } });
    upstream.answer = [HEAD, '5\r\nfirst\r\n', '6\r\nsecond\r\n'];
    expect(await ask(client)).toMatchObject({ body: 'firstsecond', error: 'idle_timeout' });
    await upstream.close();
  });
});
