import { createServer } from 'node:tls';
import { createAuthority, startScriptedUpstream } from '@penstock/test-support';
import { expect, it } from 'vitest';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';

const authority = createAuthority('Test CA');
const certificate = authority.issue({ names: ['127.0.0.1'] });

/** Bytes of a stream, different everywhere. */
function numbered(pieces: number): Buffer[] {
  return Array.from({ length: pieces }, (_, index) => Buffer.from(`data: {"piece":${index},"text":"${'x'.repeat((index * 7919) % 3_000)}"}\n\n`));
}

it.each([['TCP', false], ['TLS', true]] as const)('a chunk is its receiver\'s: every chunk of a stream, kept to the end, is what it was, over %s', async (_name, isSecure) => {
  const pieces = numbered(2_000);
  await using upstream = await startScriptedUpstream(async (connection) => {
    while (connection.end() === 'open') {
      if (!(await connection.nextRequest(60_000)).complete) return;
      connection.send('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
      for (const piece of pieces) {
        connection.send(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]));
        // In reads of all sizes, and in more than one.
        if (piece.length % 5 === 0) await new Promise(setImmediate);
      }
      connection.send('0\r\n\r\n');
    }
  }, isSecure ? { server: createServer(certificate) } : {});
  await using client = createUpstreamClient({ origin: upstream.origin, tls: isSecure ? { ca: authority.cert } : {} });
  // The second stream comes over the same connection, and a third beside it over another: no two share memory.
  const kept = await Promise.all([1, 2, 3].map(async () => {
    const chunks: Buffer[] = [];
    const copies: Buffer[] = [];
    const { error } = await dispatchRequest(client, {}, { onResponseData: (_controller, chunk) => { chunks.push(chunk); copies.push(Buffer.from(chunk)); } }).result;
    return { error, chunks, copies };
  }));
  const expected = Buffer.concat(pieces);
  for (const { error, chunks, copies } of kept) {
    expect(error).toBeUndefined();
    expect(chunks.length).toBeGreaterThan(1_000);
    expect(Buffer.concat(copies).equals(expected)).toBe(true);
    expect(Buffer.concat(chunks).equals(expected)).toBe(true);
  }
});
