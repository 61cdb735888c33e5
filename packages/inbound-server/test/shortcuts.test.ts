import { once } from 'node:events';
import { IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openRawConnection } from '@penstock/test-support';
import { describe, expect, test, vi } from 'vitest';
import { findFieldsReadByNode } from '../src/fields-read-by-node.ts';
import { createInboundServer, InboundMessage } from '../src/index.ts';

const OPTIONS = { requireHostHeader: false, joinDuplicateHeaders: false, optimizeEmptyRequests: true, shouldUpgradeCallback: () => false };

async function ask(server: Server, body = ''): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = await openRawConnection((server.address() as AddressInfo).port);
  connection.send(`POST / HTTP/1.1\r\nhost: a\r\nx-b: c\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  const message = await connection.readMessage({ kind: 'response' });
  connection.close();
  server.close();
  return message.body.toString();
}

/** How often node:http builds the object of a request's fields while `work` runs. */
async function fieldObjects(work: () => Promise<unknown>): Promise<number> {
  const original = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, '_addHeaderLine') as PropertyDescriptor & { value: (...parameters: unknown[]) => void };
  let lines = 0;
  Object.defineProperty(IncomingMessage.prototype, '_addHeaderLine', { ...original, value(this: IncomingMessage, ...parameters: unknown[]) { lines += 1; original.value.apply(this, parameters); } });
  try {
    await work();
  } finally {
    Object.defineProperty(IncomingMessage.prototype, '_addHeaderLine', original);
  }
  return lines;
}

describe('the shortcuts of an inbound server (each fails here when it silently stops working)', () => {
  test('lazy_headers: this Node reads at most five fields before it emits a request (a sixth would be taken for absent)', () => {
    const names = [...findFieldsReadByNode(OPTIONS)];
    // Without a probe that reaches them, nothing would be found.
    expect(names).toContain('expect');
    expect(['content-length', 'expect', 'host', 'te', 'transfer-encoding']).toEqual(expect.arrayContaining(names));
    expect([...findFieldsReadByNode({ ...OPTIONS, requireHostHeader: true })]).toContain('host');
  });

  test('lazy_headers: no object of fields is built for a request whose `headers` are not read; with `plain` one is', async () => {
    const build = (plain: boolean): Promise<number> => fieldObjects(() => ask(createInboundServer({ plain, onRequest: (request, response) => { request.resume(); response.end(); } })));
    expect(await build(false)).toBe(0);
    expect(await build(true)).toBeGreaterThan(0);
  });

  test('buffered_body: a body that came with its head is read without a listener; with `plain` the request is of another class', async () => {
    const onRequest = (request: IncomingMessage, response: { end(text: string): void }): void => {
      const whole = request instanceof InboundMessage ? request.tryReadBufferedBody(4)?.take() : undefined;
      if (whole === undefined) request.resume();
      response.end(whole === undefined ? 'plain' : Buffer.concat(whole).toString());
    };
    const later: typeof onRequest = (request, response) => { setImmediate(onRequest, request, response); };
    expect(await ask(createInboundServer({ onRequest: later }), 'body')).toBe('body');
    expect(await ask(createInboundServer({ onRequest: later, plain: true }), 'body')).toBe('plain');
  });
});

/** Loads the package anew, with no effect on the shortcuts of other tests, and collects their warnings. */
async function withFreshShortcuts(work: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = [];
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => { warnings.push(String(warning)); });
  vi.resetModules();
  try {
    await work();
  } finally {
    emit.mockRestore();
    vi.resetModules();
  }
  return warnings;
}

describe('a shortcut whose ground is not as expected turns itself off, with one warning', () => {
  test('lazy_headers: Node reads another field', async () => {
    // As a Node that reads it would: between the parser and the first listener.
    const original = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, '_addHeaderLines') as PropertyDescriptor & { value: (...parameters: unknown[]) => void };
    const warnings = await withFreshShortcuts(async () => {
      Object.defineProperty(IncomingMessage.prototype, '_addHeaderLines', {
        ...original, value(this: IncomingMessage, ...parameters: unknown[]) { original.value.apply(this, parameters); void this.headers['x-sixth']; },
      });
      try {
        const { createInboundServer: create } = await import('../src/index.ts');
        for (let count = 0; count < 2; count += 1) expect(await ask(create({ onRequest: (request, response) => { request.resume(); response.end(request.headers['x-b']); } }))).toBe('c');
      } finally {
        Object.defineProperty(IncomingMessage.prototype, '_addHeaderLines', original);
      }
    });
    expect(warnings).toEqual(['@penstock/inbound-server: shortcut lazy_headers is off: this version of Node reads x-sixth before it emits a request']);
  });
});
