// A chunk that was read alone passes a group as it came, so that a relay writes it to its client without framing it again.
import { startScriptedUpstream, type ScriptedUpstream } from '@penstock/test-support';
import type { UpstreamHandler } from '@penstock/upstream-client';
import { describe, expect, test } from 'vitest';
import type { UpstreamGroup } from '../src/index.ts';
import { startGroup } from './start-group.ts';

/** An upstream that answers with a head and a first chunk, and then with each piece when `sendNext` was called: each comes in a read of its own, however loaded the machine is. */
async function startGated(status: string, pieces: readonly string[]): Promise<ScriptedUpstream & { readonly sendNext: () => void; readonly stop: () => Promise<void> }> {
  let gate = Promise.withResolvers<void>();
  const upstream = await startScriptedUpstream(async (connection) => {
    const request = await connection.nextRequest(60_000);
    if (!request.complete) return;
    gate = Promise.withResolvers<void>();
    connection.send(`HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n`);
    for (const piece of pieces) {
      await gate.promise;
      gate = Promise.withResolvers<void>();
      connection.send(piece);
    }
  });
  return { ...upstream, sendNext: () => { gate.resolve(); }, stop: () => upstream.close() };
}

/** Sends a request to a group; resolves with its status and body, and with the chunks that came framed. */
async function ask(group: UpstreamGroup, received: () => void, takesFramed: boolean): Promise<{ status: number; body: string; framedChunks: readonly string[] }> {
  const framedChunks: string[] = [];
  let [status, body] = [0, ''];
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const handler: UpstreamHandler = {
    onResponseStart: (_controller, code) => { status = code; },
    onResponseData: (_controller, chunk) => {
      body += chunk.toString('latin1');
      received();
    },
    onResponseEnd: () => { resolve(undefined); },
    onResponseError: (_controller, error) => { reject(error); },
  };
  if (takesFramed) {
    handler.onFramedData = (_controller, framed, start, end) => {
      framedChunks.push(framed.toString('latin1'));
      body += framed.toString('latin1', start, end);
      received();
    };
  }
  group.dispatch({ path: '/', method: 'POST', body: '{}' }, handler);
  await promise;
  return { status, body, framedChunks };
}

const PIECES = ['6\r\nsecond\r\n', '5\r\nthird\r\n4\r\nmore\r\n', '3\r\nend\r\n', '0\r\n\r\n'];
const BODY = 'firstsecondthirdmoreend';

describe('a chunk that was read alone', () => {
  test.each([
    ['comes as it is to a handler that takes framed data', true, ['6\r\nsecond\r\n', '3\r\nend\r\n']],
    ['comes as data to a handler that does not', false, []],
  ] as const)('%s', async (_name, takesFramed, expected) => {
    const upstream = await startGated('200 OK', PIECES);
    // The switch is the client's: this one has its shortcuts on in a plain run too.
    await using world = startGroup([upstream, await startGated('200 OK', [])], { client: { plain: false } });
    expect(await ask(world.group, upstream.sendNext, takesFramed)).toEqual({ status: 200, body: BODY, framedChunks: expected });
  });

  test('of a refusal is kept with the rest of its body, which is the answer where no other member takes the request', async () => {
    const upstream = await startScriptedUpstream(async (connection) => {
      const request = await connection.nextRequest(60_000);
      if (!request.complete) return;
      connection.send('HTTP/1.1 529 Overloaded\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
      for (const piece of PIECES) {
        for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
        connection.send(piece);
      }
    });
    const other = await startScriptedUpstream(async (connection) => {
      const request = await connection.nextRequest(60_000);
      if (request.complete) connection.send('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
    });
    await using world = startGroup([{ origin: upstream.origin, stop: () => upstream.close() }, { origin: other.origin, stop: () => other.close() }]);
    expect(await ask(world.group, () => undefined, true)).toEqual({ status: 529, body: BODY, framedChunks: [] });
    expect(world.failovers).toEqual(['a>b status_529']);
  });
});
