import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openRawConnection } from '@penstock/test-support';
import { describe, expect, test, vi } from 'vitest';
import { createBodyWriter } from '../src/relay/create-body-writer.ts';

const refuse = (error: unknown): void => { throw error; };

/** What reaches the socket of a response that is written in `framing`, one text a write, and the body as the client reads it. */
async function written(framing: readonly string[], isPlain: boolean, prepare: (response: ServerResponse) => void = () => undefined): Promise<{ writes: number; bytes: string; body: string }> {
  let writes = 0;
  await using server = createServer((_request, response) => {
    const socket = response.socket as unknown as Record<'_write' | '_writev', (...parameters: unknown[]) => void>;
    const { _write: write, _writev: writeMany } = socket;
    socket._write = function counted(...parameters) { writes += 1; write.apply(this, parameters); };
    socket._writev = function counted(...parameters) { writes += (parameters[0] as unknown[]).length; writeMany.apply(this, parameters); };
    response.sendDate = false;
    response.writeHead(200, ['content-type', 'text/plain', ...framing]);
    prepare(response);
    const writer = createBodyWriter(response, () => undefined, refuse, isPlain);
    writer.write(Buffer.from('event: a'));
    writer.write(Buffer.from(' and b'));
    writer.release();
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = await openRawConnection((server.address() as AddressInfo).port);
  client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const message = await client.readMessage({ kind: 'response' });
  client.close();
  return { writes, bytes: message.bytes.toString('latin1'), body: message.body.toString() };
}

describe('the shortcuts of a body writer (each fails here when it silently stops working)', () => {
  test('chunk_framing: head and chunks of one turn take fewer writes than with `isPlain`, and the body is the same', async () => {
    const framed = await written([], false);
    const plain = await written([], true);
    expect(framed.bytes).toMatch(/\r\n\r\ne\r\nevent: a and b\r\n0\r\n\r\n$/);
    expect(framed.writes).toBeLessThan(plain.writes);
    expect([framed.body, plain.body]).toEqual(['event: a and b', 'event: a and b']);
  });

  test('joined_head: a first chunk leaves with the head in one write; with `isPlain` it does not, and the bytes are the same', async () => {
    const joined = await written(['content-length', '14'], false);
    const plain = await written(['content-length', '14'], true);
    expect(joined.writes).toBeLessThan(plain.writes);
    expect(plain.bytes).toBe(joined.bytes);
  });

  test('a response that does not show its framing is left to node:http, with one warning', async () => {
    const warnings: string[] = [];
    const emit = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => { warnings.push(String(warning)); });
    const hide = (response: ServerResponse): void => {
      const { chunkedEncoding } = response;
      Object.defineProperty(response, 'chunkedEncoding', { configurable: true, get: () => { delete (response as { chunkedEncoding?: boolean }).chunkedEncoding; response.chunkedEncoding = chunkedEncoding; return undefined; } });
    };
    try {
      for (let request = 0; request < 2; request += 1) expect((await written([], false, hide)).body).toBe('event: a and b');
    } finally {
      emit.mockRestore();
    }
    expect(warnings).toEqual(['@penstock/sse-relay: shortcut chunk_framing is off: a response has no `chunkedEncoding`']);
  });
});
