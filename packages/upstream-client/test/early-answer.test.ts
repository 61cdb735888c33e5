import { once } from 'node:events';
import { createAuthority } from '@penstock/test-support';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TlsOptions, UpstreamClient } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';

const authority = createAuthority('Test CA');
const certificate = authority.issue({ names: ['127.0.0.1'] });
const PIECE = Buffer.alloc(65_536);

/** An upstream in a thread of its own, so that it goes on while this one stands still. It answers with the first bytes and resets its connection. */
const UPSTREAM = `
const { parentPort, workerData } = require('node:worker_threads');
const { gone, answer, certificate } = workerData;
const server = certificate === undefined ? require('node:net').createServer(onConnection) : require('node:tls').createServer(certificate, onConnection);
function onConnection(socket) {
  socket.on('error', () => undefined);
  socket.once('data', () => {
    socket.pause();
    const reset = () => {
      (socket._parent ?? socket).destroy();
      setTimeout(() => { Atomics.store(gone, 0, 1); Atomics.notify(gone, 0); }, 20);
    };
    // What comes meanwhile is not read: a connection that is closed then is reset.
    setTimeout(() => { if (answer === '') reset(); else socket.write(answer, reset); }, 20);
  });
}
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

interface ResettingUpstream { readonly client: UpstreamClient; readonly body: () => Generator<Uint8Array> }

/** `body` sends so much that some of it is not read, stands still until the connection was reset, and writes on. */
async function startResetting(answer: string, isSecure: boolean): Promise<ResettingUpstream> {
  const gone = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(UPSTREAM, { eval: true, workerData: { gone, answer, ...(isSecure ? { certificate } : {}) } });
  onTestFinished(async () => { await worker.terminate(); });
  const [port] = await once(worker, 'message') as [number];
  const tls: TlsOptions = isSecure ? { ca: authority.cert } : {};
  const client = createUpstreamClient({ origin: `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}`, tls });
  onTestFinished(() => client.destroy());
  return {
    client,
    * body() {
      yield PIECE;
      Atomics.wait(gone, 0, 0);
      for (let piece = 0; piece < 200; piece += 1) yield PIECE;
    },
  };
}

const ANSWER = 'HTTP/1.1 413 Too Large\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\ntoo large';

describe.each([['TCP', false], ['TLS', true]] as const)('over %s, an upstream that resets its connection while a large body is sent', (_name, isSecure) => {
  it('has its answer read first (the client sees why, not that)', async () => {
    const { client, body } = await startResetting(ANSWER, isSecure);
    expect(await dispatchRequest(client, { body: body() }).result).toMatchObject({ error: undefined, status: 413, body: 'too large', endings: 1 });
    expect(client.stats()).toMatchObject({ active: 0, waiting: 0, connecting: 0 });
  });

  it('and has not answered is a reset', async () => {
    const { client, body } = await startResetting('', isSecure);
    expect((await dispatchRequest(client, { body: body() }).result).error).toMatchObject({ code: 'reset', retryable: false });
  });

  it('and has answered in part is a truncation', async () => {
    const { client, body } = await startResetting(ANSWER.slice(0, -1), isSecure);
    expect((await dispatchRequest(client, { body: body() }).result).error).toMatchObject({ code: 'truncated' });
  });
});
