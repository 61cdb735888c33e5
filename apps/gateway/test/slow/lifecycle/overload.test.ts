import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Client } from 'undici';
import { expect, test } from 'vitest';
import { sumOf } from '../../observe/metrics/exposition.ts';
import { runPenstock } from '../../run-penstock.ts';

const ROUNDS = process.env['PENSTOCK_SLOW_BOUNDED'] === '1' ? 120 : 600;
const SLOTS = 10;
const WAITING = 10;
const CLIENTS = 10 * SLOTS;
const POLL = { interval: 2, timeout: 120_000 } as const;
const COLLECTOR = new URL('../soak/collect-garbage.ts', import.meta.url).href;
/** After so many rounds the gateway's memory is read, each time behind a garbage collection: how late a collector comes depends on what else the machine does. */
const READ_EVERY = 4;

const BODY = '{"model":"m","max_tokens":1,"messages":[]}';
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const residentBytes = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

test(`ten times the pool's capacity, ${ROUNDS} times: its slots stay busy, the rest is refused at once, memory is flat`, async () => {
  /** The requests that the upstream has and has not answered, in the order in which they came. */
  const held: ServerResponse[] = [];
  let peak = 0;
  let arrivals = 0;
  let open = 0;
  const upstream = createServer((_request, response) => {
    held.push(response);
    arrivals += 1;
    peak = Math.max(peak, held.length);
  });
  upstream.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => { open -= 1; });
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const untilArrived = (count: number): Promise<void> => expect.poll(() => arrivals, POLL).toBe(count);
  const origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  await using penstock = await runPenstock({
    // A slot becomes free when the test lets it, however long that takes.
    document: { anthropic_native: { base_url: origin, pool: { max_connections: SLOTS, max_waiting: WAITING }, timeouts: { slot_wait: 600, message_headers: 600 } }, log: { level: 'warn' } },
    flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test', NODE_OPTIONS: `--import=${COLLECTOR}` },
  });
  const pool = async (name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> =>
    sumOf(await (await fetch(`${penstock.operations}/metrics`)).text(), `penstock_upstream_pool_${name}`, { upstream: 'native', ...labels }) ?? Number.NaN;
  const clients = Array.from({ length: CLIENTS }, () => new Client(penstock.origin));
  const resident: number[] = [];
  const refusalMs: number[] = [];
  let mostAccepted = 0;

  for (let round = 0; round < ROUNDS; round += 1) {
    const before = arrivals;
    let refused = 0;
    let accepted = 0;
    const sentAt = performance.now();
    const answers = clients.map(async (client) => {
      const { statusCode, headers, body } = await client.request({ method: 'POST', path: '/anthropic/v1/messages', headers: { 'content-type': 'application/json' }, body: BODY });
      await body.dump();
      if (statusCode === 200) accepted += 1;
      else {
        expect([statusCode, headers['x-penstock-error']]).toEqual([429, 'overloaded']);
        refused += 1;
      }
    });
    await untilArrived(before + SLOTS);
    // All that are too many have their refusal before a single answer came. They may be one or two more than the queue is short of: a connection
    // that must rest before its next request holds its slot for that time.
    await expect.poll(() => refused, POLL).toBeGreaterThanOrEqual(CLIENTS - SLOTS - WAITING);
    refusalMs.push(performance.now() - sentAt);
    await expect.poll(async () => SLOTS + await pool('waiting') + refused, POLL).toBe(CLIENTS);
    const waiting = CLIENTS - SLOTS - refused;
    expect([held.length, accepted]).toEqual([SLOTS, 0]);
    expect(waiting).toBeGreaterThan(0);
    expect(waiting).toBeLessThanOrEqual(WAITING);
    // A slot that becomes free is taken at once: another request comes for each answer, as long as any waits.
    for (let answered = 1; answered <= waiting; answered += 1) {
      held.shift()?.end('{}');
      await untilArrived(before + SLOTS + answered);
      expect(held.length).toBe(SLOTS);
    }
    for (const response of held.splice(0)) response.end('{}');
    await Promise.all(answers);
    expect([accepted, arrivals - before]).toEqual([SLOTS + waiting, SLOTS + waiting]);
    mostAccepted = Math.max(mostAccepted, accepted);
    // A client has its answer a moment before the slot is free.
    await expect.poll(() => pool('connections', { state: 'active' }), POLL).toBe(0);
    if (round % READ_EVERY === 0) {
      penstock.child.kill('SIGUSR2');
      await pool('waiting');
      resident.push(residentBytes(penstock.child.pid ?? 0));
    }
  }

  const quarter = Math.floor(resident.length / 4);
  const early = median(resident.slice(quarter, 2 * quarter));
  const late = median(resident.slice(-quarter));
  console.log(`overload: the refusals of a round took ${median(refusalMs).toFixed(1)} ms in the median of ${ROUNDS} rounds; RSS ${(early / 1e6).toFixed(0)} to ${(late / 1e6).toFixed(0)} MB`);
  expect(late / early).toBeLessThan(1.15);
  expect(peak).toBe(SLOTS);
  expect(mostAccepted).toBe(SLOTS + WAITING);
  // A connection that was replaced ends here a moment after its successor came.
  await expect.poll(() => open).toBeLessThanOrEqual(SLOTS);
  await Promise.all(clients.map((client) => client.close()));
  upstream.closeAllConnections();
  upstream.close();
});
