// The updates of open pages, with a status that the test makes: who pays for a slow page, and that no page costs nothing.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openRawConnection, type RawConnection } from '@penstock/test-support';
import { afterEach, expect, test } from 'vitest';
import type { Status } from '../../../src/observe/status/status.ts';
import { WHOLE_STATUS } from '../../../src/observe/status/status-query.ts';
import { createStatusEvents, PAGE_LIMITS, type StatusEvents } from '../../../src/process/operations/status-events.ts';
import { statusOfRequests } from './made-status.ts';

let server: Server;
let events: StatusEvents;
const opened: RawConnection[] = [];
afterEach(async () => {
  for (const connection of opened.splice(0)) connection.close();
  events.close();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

async function serve(read: () => Promise<Status>, limits: Partial<typeof PAGE_LIMITS>): Promise<void> {
  events = createStatusEvents(read, { ...PAGE_LIMITS, ...limits });
  server = createServer((_request, response) => { events.open(response, WHOLE_STATUS); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

async function openPage(): Promise<RawConnection> {
  const connection = await openRawConnection((server.address() as AddressInfo).port);
  opened.push(connection);
  connection.send('GET /status.events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await connection.waitFor((bytes) => bytes.includes('\r\n\r\n'));
  return connection;
}

test('a page that takes nothing: is not written to any more, is cut after its time, and another page goes on', async () => {
  let reads = 0;
  await serve(() => {
    reads += 1;
    return Promise.resolve(statusOfRequests(40, `client-${reads}-${'x'.repeat(20_000)}`));
  }, { updateIntervalMs: 1, takeTimeoutMs: 300, restTimes: 0 });
  const slow = await openPage();
  slow.socket.pause();
  const other = await openPage();
  await expect.poll(() => events.size, { timeout: 30_000 }).toBe(1);
  const before = other.received().length;
  await expect.poll(() => other.received().length, { timeout: 30_000 }).toBeGreaterThan(before);
  expect(other.end()).toBe('open');
});

test('a page that stops reading shortly before its end: loses its place after its time, although few bytes wait for it', async () => {
  events = createStatusEvents(() => Promise.resolve(statusOfRequests(1, 'alice')), { ...PAGE_LIMITS, longestMs: 100, takeTimeoutMs: 100 });
  const atEnd: { isEnded: boolean; needsDrain: boolean }[] = [];
  server = createServer((_request, response) => {
    // The buffers of the system are full, and what the page is sent from now on waits in the process.
    for (let waiting = 0; waiting === 0; waiting = response.socket?.writableLength ?? 1) response.socket?.write(Buffer.alloc(8 * 1024));
    events.open(response, WHOLE_STATUS);
    // Runs behind the timer of the same span that ends the page.
    setTimeout(() => { atEnd.push({ isEnded: response.writableEnded, needsDrain: response.writableNeedDrain }); }, 100);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = await openRawConnection((server.address() as AddressInfo).port);
  opened.push(connection);
  connection.socket.pause();
  connection.send('GET /status.events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await expect.poll(() => atEnd, { timeout: 30_000 }).toEqual([{ isEnded: true, needsDrain: false }]);
  await expect.poll(() => events.size, { timeout: 30_000 }).toBe(0);
});

test('without an open page nothing is read; pages with one question share each reading; the last one that closes ends them', async () => {
  let reads = 0;
  await serve(() => {
    reads += 1;
    return Promise.resolve(statusOfRequests(1, 'alice'));
  }, { updateIntervalMs: 5 });
  expect(reads).toBe(0);
  const pages = await Promise.all(Array.from({ length: 4 }, openPage));
  for (const page of pages) await page.waitFor((bytes) => (bytes.toString().match(/^data: /gm)?.length ?? 0) >= 5);
  const most = Math.max(...pages.map((page) => page.received().toString().match(/^data: /gm)?.length ?? 0));
  // Four pages that each caused readings would have read four times as often; what was read in the meantime is still on its way.
  expect(reads).toBeLessThan(2 * most + 4);
  for (const page of pages) page.close();
  await expect.poll(() => events.size).toBe(0);
  const after = reads;
  // Ten intervals, in which a page would have been updated.
  await new Promise((end) => { setTimeout(end, 50); });
  expect(reads).toBe(after);
  const next = await openPage();
  await next.waitFor((bytes) => bytes.includes('data: '));
  expect(reads).toBeGreaterThan(after);
});

test('a status that cannot be read: its pages are cut, and connect anew by themselves', async () => {
  await serve(() => Promise.reject(new Error('no worker answers')), { updateIntervalMs: 5 });
  const page = await openPage();
  await page.closed();
  await expect.poll(() => events.size).toBe(0);
});

test('an update repeats no part that did not change', async () => {
  let reads = 0;
  await serve(() => {
    reads += 1;
    return Promise.resolve(statusOfRequests(1, reads < 3 ? 'alice' : 'bob'));
  }, { updateIntervalMs: 5 });
  const page = await openPage();
  await page.waitFor((bytes) => bytes.includes('bob'));
  const updates = [...page.received().toString().matchAll(/^data: (.*)$/gm)].map(([, data = '']) => Object.keys((JSON.parse(data) as { parts: object }).parts));
  expect(updates[0]).toContain('config');
  expect(updates[1]).toEqual([]);
  expect(updates.find((parts) => parts.includes('open-rows') && !parts.includes('config'))).toEqual(['open-rows']);
});
