import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openRawConnection } from '@penstock/test-support';
import { assert, asyncProperty, integer, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { createBodyWriter } from '../src/relay/create-body-writer.ts';

const refuse = (error: unknown): void => { throw error; };

interface Answered {
  readonly body: Buffer;
  /** How often the server wrote to its socket. */
  readonly writes: number;
}

/** Has one response written by `write` and reads it; counts what reaches the socket itself, behind node:http. */
async function answer(length: number, write: (response: ServerResponse) => void): Promise<Answered> {
  let writes = 0;
  await using server = createServer((_request, response) => {
    const socket = response.socket as unknown as Record<'_write' | '_writev', (...parameters: unknown[]) => void>;
    for (const name of ['_write', '_writev'] as const) {
      const original = socket[name];
      socket[name] = function counted(...parameters) { writes += 1; original.apply(this, parameters); };
    }
    response.strictContentLength = true;
    response.writeHead(200, ['content-type', 'application/octet-stream', 'x-name', '\xe9', 'content-length', String(length)]);
    write(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = await openRawConnection((server.address() as AddressInfo).port);
  client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const message = await client.readMessage({ kind: 'response' });
  client.close();
  expect(message.rawHeaders.slice(0, 4)).toEqual(['content-type', 'application/octet-stream', 'x-name', '\xe9']);
  return { body: message.body, writes };
}

test('a counted body that came with its head leaves with it in one write, whatever its bytes', async () => {
  const bytes = Buffer.from(Array.from({ length: 1_024 }, (_, index) => index % 256));
  const { body, writes } = await answer(bytes.length, (response) => {
    const writer = createBodyWriter(response, () => undefined, refuse);
    writer.write(bytes);
    writer.release();
    response.end();
  });
  expect(body.equals(bytes)).toBe(true);
  expect(writes).toBe(1);
});

test('a counted body of any length and in any pieces crosses byte for byte, in one turn or several', async () => {
  await assert(asyncProperty(uint8Array({ maxLength: 40_000, size: 'max' }), integer({ min: 700, max: 20_000 }), integer({ min: 0, max: 1 }), async (bytes, step, isSpread) => {
    const { body } = await answer(bytes.length, (response) => {
      const writer = createBodyWriter(response, () => undefined, refuse);
      const go = (from: number): void => {
        for (let offset = from; offset < bytes.length; offset += step) {
          writer.write(bytes.subarray(offset, offset + step));
          if (isSpread === 1) { setImmediate(go, offset + step); return; }
        }
        writer.release();
        response.end();
      };
      go(0);
    });
    expect(body.equals(bytes)).toBe(true);
  }), { numRuns: 30 });
});

test('a head whose body does not come in its turn leaves at the end of that turn', async () => {
  let release = (): void => undefined;
  await using server = createServer((_request, response) => {
    response.writeHead(200, ['content-length', '2']);
    const writer = createBodyWriter(response, () => undefined, refuse);
    release = () => { writer.write(Buffer.from('ok')); writer.release(); response.end(); };
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = await openRawConnection((server.address() as AddressInfo).port);
  client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const head = await client.waitFor((unread) => unread.includes('\r\n\r\n'));
  expect(head.toString()).toMatch(/\r\n\r\n$/);
  release();
  expect((await client.readMessage({ kind: 'response' })).body.toString()).toBe('ok');
  client.close();
});
