import { createServer } from 'node:tls';
import { createAuthority, startScriptedUpstream } from '@penstock/test-support';
import { expect, it } from 'vitest';
import { createUpstreamClient, type UpstreamClientOptions } from '../src/index.ts';
import { dispatchRequest } from './dispatch-request.ts';

const authority = createAuthority('Test CA');
const certificate = authority.issue({ names: ['127.0.0.1'] });
const ANSWER = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n';

/** How many bytes of memory stand behind each chunk of a response in two reads. */
async function memoryBehind(isSecure: boolean, options: Partial<UpstreamClientOptions>): Promise<number[]> {
  const { promise: firstCame, resolve: onFirst } = Promise.withResolvers<void>();
  await using upstream = await startScriptedUpstream(async (connection) => {
    if (!(await connection.nextRequest(60_000)).complete) return;
    connection.send(ANSWER);
    await firstCame;
    connection.send('6\r\nsecond\r\n0\r\n\r\n');
  }, isSecure ? { server: createServer(certificate) } : {});
  await using client = createUpstreamClient({ origin: upstream.origin, tls: isSecure ? { ca: authority.cert } : {}, ...options });
  const sizes: number[] = [];
  const { error } = await dispatchRequest(client, {}, { onResponseData: (_controller, chunk) => { sizes.push(chunk.buffer.byteLength); onFirst(); } }).result;
  expect(error).toBeUndefined();
  return sizes;
}

it.each([['TCP', false], ['TLS', true]] as const)('what is read over %s is copied into the pool of small buffers; with `plain`, and where HTTP/2 is allowed, Node makes a buffer for each read', async (_name, isSecure) => {
  const pool = Buffer.allocUnsafe(1).buffer.byteLength;
  expect(await memoryBehind(isSecure, {})).toEqual([pool, pool]);
  for (const options of [{ plain: true }, { allowH2: true }]) {
    const sizes = await memoryBehind(isSecure, options);
    expect(sizes).toHaveLength(2);
    expect(sizes).not.toContain(pool);
  }
});
