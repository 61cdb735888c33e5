import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { openRawConnection, statusOf, type RawConnection } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { startTestGateway } from '../../start-test-gateway.ts';

const ATTACKERS = 500;
const ROUNDS = process.env['PENSTOCK_SLOW_BOUNDED'] === '1' ? 3 : 7;
const SLICES = 8;
const REQUESTS_A_SLICE = 150;
const CLOCK_MS = 10_000;
const BODY = '{"model":"m"}';
const REQUEST = `POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

/** The median latency of fast clients. A fresh connection a slice: the raw reader keeps all bytes it ever saw. */
async function fastClientMedian(port: number): Promise<number> {
  const latencies: number[] = [];
  for (let slice = 0; slice < SLICES; slice += 1) {
    const connection = await openRawConnection(port);
    for (let index = 0; index < REQUESTS_A_SLICE; index += 1) {
      const startedAt = performance.now();
      connection.send(REQUEST);
      await connection.readMessage({ kind: 'response' });
      latencies.push(performance.now() - startedAt);
    }
    connection.close();
  }
  return median(latencies);
}

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

test(`${ATTACKERS} slow connections raise the median latency of other requests by at most a fifth, and each is closed within its clock and two seconds`, async () => {
  // An upstream that keeps nothing: one that records everything grows slower with every request.
  await using upstream = createServer((request, response) => { request.resume().once('end', () => response.setHeader('content-type', 'application/json').end('{}')); });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  await using gateway = await startTestGateway(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, {}, { inboundLimits: { headersTimeoutMs: CLOCK_MS, bodyStepTimeoutMs: CLOCK_MS } });
  const ratios: number[] = [];
  const slow: Attacker[] = [];
  await fastClientMedian(gateway.port);
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = await fastClientMedian(gateway.port);
    const attackers = await attack(gateway.port);
    slow.push(...attackers);
    const during = await fastClientMedian(gateway.port);
    await Promise.all(attackers.map(({ connection }) => connection.closed()));
    ratios.push(2 * during / (before + await fastClientMedian(gateway.port)));
  }
  expect(slow.length).toBe(ROUNDS * ATTACKERS);
  for (const one of slow) {
    expect([408, 0]).toContain(one.status());
    expect(one.endedAt - one.startedAt).toBeLessThan(CLOCK_MS + 2_000);
  }
  expect(slow.filter((one) => one.status() === 408).length / slow.length).toBeGreaterThan(0.95);
  expect(statusOf(await openRawConnection(gateway.port).then((connection) => {
    connection.send(REQUEST);
    return connection.readMessage({ kind: 'response' });
  }))).toBe(200);
  process.stdout.write(`slowloris: p50 of fast clients with ${ATTACKERS} slow connections / without, by round: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}\n`);
  expect(median(ratios)).toBeLessThan(1.2);
});
