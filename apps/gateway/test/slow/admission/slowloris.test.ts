import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { openRawConnection, statusOf, type RawConnection } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { startTestGateway } from '../../start-test-gateway.ts';

const ATTACKERS = 500;
const REQUESTS = 150;
const CLOCK_MS = 20_000;
const BODY = '{"model":"m"}';
const REQUEST = `POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

interface Attacker {
  readonly connection: RawConnection;
  readonly startedAt: number;
  endedAt: number;
  readonly status: () => number;
}

/** Half of them trickle their head, half their body, one byte a second. */
async function attack(port: number): Promise<Attacker[]> {
  return Promise.all(Array.from({ length: ATTACKERS }, async (_, index) => {
    const connection = await openRawConnection(port);
    const one: Attacker = {
      connection, startedAt: performance.now(), endedAt: Infinity,
      status: () => Number(/^HTTP\/1\.1 (\d{3})/.exec(connection.received().toString('latin1'))?.[1] ?? 0),
    };
    connection.send(index % 2 === 0 ? 'POST /anthropic/v1/messages HTTP/1.1\r\nX: ' : 'POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{');
    const timer = setInterval(() => { if (connection.socket.writable) connection.send(' '); }, 1_000);
    connection.socket.once('close', () => {
      clearInterval(timer);
      one.endedAt = performance.now();
    });
    return one;
  }));
}

test(`${ATTACKERS} slow connections hold back no other request, which waits for no slot, and each is closed by its own clock`, async () => {
  // An upstream that keeps nothing: one that records everything grows slower with every request.
  await using upstream = createServer((request, response) => { request.resume().once('end', () => response.setHeader('content-type', 'application/json').end('{}')); });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  await using gateway = await startTestGateway(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, {}, { inboundLimits: { headersTimeoutMs: CLOCK_MS, bodyStepTimeoutMs: CLOCK_MS } });
  const slow = await attack(gateway.port);
  const fast = await openRawConnection(gateway.port);
  const statuses: number[] = [];
  for (let sent = 0; sent < REQUESTS; sent += 1) {
    fast.send(REQUEST);
    statuses.push(statusOf(await fast.readMessage({ kind: 'response' })));
  }
  // All of them were answered while every slow connection was held, and none waited for a slot.
  expect(slow.filter(({ endedAt }) => endedAt < Infinity)).toEqual([]);
  expect(statuses).toEqual(Array.from({ length: REQUESTS }, () => 200));
  expect(await gateway.sum('penstock_upstream_pool_acquisitions_total{upstream="native",source="queued"}')).toBe(0);
  await Promise.all(slow.map(({ connection }) => connection.closed()));
  // What they send goes on for ever: only the clock ends them, and never sooner than it should.
  for (const one of slow) {
    expect([408, 0]).toContain(one.status());
    expect(one.endedAt - one.startedAt).toBeGreaterThan(0.9 * CLOCK_MS);
  }
  expect(slow.filter((one) => one.status() === 408).length / slow.length).toBeGreaterThan(0.95);
  fast.send(REQUEST);
  expect(statusOf(await fast.readMessage({ kind: 'response' }))).toBe(200);
  fast.close();
});
