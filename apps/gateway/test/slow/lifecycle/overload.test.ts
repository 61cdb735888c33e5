import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Client } from 'undici';
import { expect, test } from 'vitest';
import { runPenstock } from '../../run-penstock.ts';

const SECONDS = process.env['PENSTOCK_SLOW_BOUNDED'] === '1' ? 15 : 60;
const SLOTS = 10;
const WAITING = 10;
const SERVICE_MS = 100;

const BODY = '{"model":"m","max_tokens":1,"messages":[]}';
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const residentBytes = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

interface Sample {
  readonly status: number;
  readonly ms: number;
}

/** Sends one request after another on one connection until the time is over. */
async function offer(origin: string, untilMs: number, samples: Sample[], pauseMs: number): Promise<void> {
  const client = new Client(origin);
  while (performance.now() < untilMs) {
    const sentAt = performance.now();
    const response = await client.request({ method: 'POST', path: '/anthropic/v1/messages', headers: { 'content-type': 'application/json' }, body: BODY });
    await response.body.dump();
    samples.push({ status: response.statusCode, ms: performance.now() - sentAt });
    if (response.statusCode !== 200) await new Promise((next) => { setTimeout(next, pauseMs); });
  }
  await client.close();
}

test(`ten times the pool's capacity for ${SECONDS} s: its slots stay busy, the rest is refused at once, memory is flat`, async () => {
  let open = 0;
  let peak = 0;
  let atOnce = 0;
  let arrivals = 0;
  let busyMs = 0;
  const upstream = createServer((_request, response) => {
    atOnce += 1;
    peak = Math.max(peak, atOnce);
    arrivals += 1;
    const arrivedAt = performance.now();
    setTimeout(() => {
      atOnce -= 1;
      busyMs += performance.now() - arrivedAt;
      response.end('{}');
    }, SERVICE_MS);
  });
  upstream.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => { open -= 1; });
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  await using penstock = await runPenstock({
    document: { anthropic_native: { base_url: origin, pool: { max_connections: SLOTS, max_waiting: WAITING } }, log: { level: 'warn' } },
    flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  const unloaded: Sample[] = [];
  await Promise.all(Array.from({ length: SLOTS }, () => offer(penstock.origin, performance.now() + 3_000, unloaded, 0)));
  const alone = median(unloaded.filter(({ status }) => status === 200).map(({ ms }) => ms));

  [arrivals, busyMs] = [0, 0];
  const beganAt = performance.now();
  const samples: Sample[] = [];
  const resident: number[] = [];
  const sampler = setInterval(() => resident.push(residentBytes(penstock.child.pid ?? 0)), 500);
  await Promise.all(Array.from({ length: SLOTS * 10 }, () => offer(penstock.origin, performance.now() + SECONDS * 1_000, samples, SERVICE_MS)));
  clearInterval(sampler);
  const occupancy = busyMs / (SLOTS * (performance.now() - beganAt));

  const accepted = samples.filter(({ status }) => status === 200);
  const refused = samples.filter(({ status }) => status === 429);
  const early = median(resident.slice(Math.floor(resident.length / 4), Math.floor(resident.length / 2)));
  const late = median(resident.slice(-Math.floor(resident.length / 4)));
  console.log(`overload: unloaded p50 ${alone.toFixed(1)} ms; accepted ${(accepted.length / SECONDS).toFixed(0)}/s p50 ${median(accepted.map(({ ms }) => ms)).toFixed(1)} ms; refused ${refused.length}, slots busy ${(100 * occupancy).toFixed(0)} %, p50 ${median(refused.map(({ ms }) => ms)).toFixed(2)} ms; RSS ${(early / 1e6).toFixed(0)} to ${(late / 1e6).toFixed(0)} MB`);
  expect(samples.length).toBe(accepted.length + refused.length);
  // A slot that becomes free is taken at once: the upstream, by its own clock, is busy in nearly all of them nearly always.
  expect(arrivals).toBe(accepted.length);
  expect(occupancy).toBeGreaterThan(0.9);
  // An accepted request waits for at most a full queue and then runs as fast as alone; a refusal waits for nothing.
  expect(median(accepted.map(({ ms }) => ms))).toBeLessThan(1.1 * alone * (1 + WAITING / SLOTS));
  expect(median(refused.map(({ ms }) => ms))).toBeLessThan(alone / 20);
  expect(late / early).toBeLessThan(1.15);
  expect(peak).toBe(SLOTS);
  // A connection that was replaced ends here a moment after its successor came.
  await expect.poll(() => open).toBeLessThanOrEqual(SLOTS);
  upstream.closeAllConnections();
  upstream.close();
});
