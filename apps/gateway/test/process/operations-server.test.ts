// The operations listener shares the event loop with the main one: its load must not become that of clients, and probes are always answered.
import { fieldValues, openRawConnection, sendRawRequest, statusOf, type RawConnection, type WireMessage } from '@penstock/test-support';
import { afterEach, describe, expect, test } from 'vitest';
import { OPERATIONS_LIMITS, type OperationsOptions, type OperationsServer } from '../../src/process/operations-server.ts';
import { startTestOperations } from '../release/start-test-operations.ts';

let operations: OperationsServer;
const held: RawConnection[] = [];
afterEach(async () => {
  for (const connection of held.splice(0)) connection.close();
  await operations.close();
});

const get = (path: string, method = 'GET'): string => `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
const LIVEZ = get('/livez');

async function start(overrides: Partial<OperationsOptions> = {}): Promise<number> {
  operations = await startTestOperations(overrides);
  return operations.port;
}

async function open(port: number): Promise<RawConnection> {
  const connection = await openRawConnection(port);
  held.push(connection);
  return connection;
}

async function ask(connection: RawConnection, request: string): Promise<WireMessage> {
  connection.send(request);
  return connection.readMessage({ kind: 'response' });
}

describe('a scrape', () => {
  test('is made once for all that ask at the same time, and all get the same text', async () => {
    let scrapes = 0;
    let finish: (() => void) | undefined;
    const port = await start({
      scrape: () => new Promise((resolve) => {
        scrapes += 1;
        finish = () => resolve({ contentType: 'text/plain', text: `scrapes ${scrapes}\n` });
      }),
    });
    const scrapers = await Promise.all(Array.from({ length: 20 }, () => open(port)));
    for (const scraper of scrapers) scraper.send(get('/metrics'));
    // Their requests were read before this one, which came later.
    expect(statusOf(await ask(await open(port), LIVEZ))).toBe(200);
    finish?.();
    const texts = await Promise.all(scrapers.map(async (scraper) => (await scraper.readMessage({ kind: 'response' })).body.toString()));
    expect(new Set(texts)).toEqual(new Set(['scrapes 1\n']));
  });

  test('is made once for 20,000 pipelined requests: the second is refused and nothing behind it is read as a request', async () => {
    let scrapes = 0;
    const port = await start({
      scrape: () => {
        scrapes += 1;
        return Promise.resolve({ contentType: 'text/plain', text: 'penstock_up 1\n' });
      },
    });
    const connection = await open(port);
    connection.send(get('/metrics').repeat(20_000));
    await connection.closed();
    expect(connection.received().toString('latin1').match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
    expect(scrapes).toBe(1);
  });

  test('a failing scrape: is a 500, and the next one is tried', async () => {
    let scrapes = 0;
    const port = await start({
      scrape: () => {
        scrapes += 1;
        return scrapes === 1 ? Promise.reject(new Error('broken')) : Promise.resolve({ contentType: 'text/plain', text: 'well\n' });
      },
    });
    expect(statusOf(await sendRawRequest(port, get('/metrics')))).toBe(500);
    expect((await sendRawRequest(port, get('/metrics'))).body.toString()).toBe('well\n');
  });

  test('a scrape that is not read: holds one of a few places, not the listener, and releases it after its timeout', async () => {
    const text = 'x'.repeat(32 * 1024 * 1024);
    const port = await start({ scrape: () => Promise.resolve({ contentType: 'text/plain', text }), limits: { maxOpenScrapes: 2, scrapeTimeoutMs: 300, maxConnections: 4 } });
    const stalled = [await open(port), await open(port)];
    for (const connection of stalled) {
      connection.socket.pause();
      connection.send(get('/metrics'));
    }
    const scrape = async (): Promise<number> => statusOf(await sendRawRequest(port, get('/metrics', 'HEAD'), { toHead: true }));
    await expect.poll(scrape).toBe(503);
    for (let probe = 0; probe < 10; probe += 1) expect(statusOf(await ask(await open(port), LIVEZ))).toBe(200);
    await expect.poll(scrape).toBe(200);
  });
});

describe('probes', () => {
  test.each([['silent', ''], ['with a head that never ends', 'GET /livez HTTP/1.1\r\nX: '], ['with an answered probe', LIVEZ]])(
    'are answered while more connections are open than there may be, %s', async (_name, begin) => {
      const port = await start();
      for (let index = 0; index < OPERATIONS_LIMITS.maxConnections + 20; index += 1) {
        const connection = await open(port);
        if (begin === LIVEZ) expect(statusOf(await ask(connection, LIVEZ))).toBe(200);
        else if (begin !== '') connection.send(begin);
      }
      for (const path of ['/livez', '/readyz']) {
        for (let probe = 0; probe < 10; probe += 1) expect(statusOf(await ask(await open(port), get(path)))).toBe(200);
      }
    },
  );

  test('have a connection that is kept for five seconds', async () => {
    const port = await start();
    const connection = await open(port);
    expect(fieldValues((await ask(connection, LIVEZ)).rawHeaders, 'keep-alive')).toEqual(['timeout=5']);
    expect(statusOf(await ask(connection, get('/readyz')))).toBe(200);
  });
});

test.each(['/metrics', '/livez', '/readyz', '/nothing'])('HEAD %s has the status and the fields of GET, no body, and keeps the connection', async (path) => {
  const port = await start({ scrape: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'penstock_up 1\n' }) });
  const connection = await open(port);
  const fields = ({ rawHeaders }: WireMessage): unknown[] => rawHeaders.filter((_text, index) => rawHeaders[index - (index % 2)]?.toLowerCase() !== 'date');
  const whole = await ask(connection, get(path));
  connection.send(get(path, 'HEAD'));
  const head = await connection.readMessage({ kind: 'response', toHead: true });
  expect([head.startLine, fields(head), head.body.length]).toEqual([whole.startLine, fields(whole), 0]);
  expect(statusOf(await ask(connection, LIVEZ))).toBe(200);
});
