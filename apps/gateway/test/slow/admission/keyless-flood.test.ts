// More keyless connections than the listener has places, at the default settings, the gateway in a process of its own.
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { sendRawRequest, statusOf } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { hashClientKey } from '../../../src/access/clients/client-key.ts';
import { sumOf } from '../../observe/metrics/exposition.ts';
import { runPenstock } from '../../run-penstock.ts';
import type { FloodPlan } from './flood-worker.ts';

const KEY = `pen_${'k'.repeat(43)}`;
const PLACES = 8_000;
const FLOOD = 9_000;
const PROBES = 40;
/** How many connections a client with a key, or a probe, may need: one that is closed for another before its key was read is made again. */
const MOST_TRIES = 3;
/** A machine that is busy with others makes every connection wait. */
const GIVES_UP_MS = 120_000;

/** A request that was answered 200 in the end. */
interface KeptOut {
  readonly tries: number;
  readonly ms: number;
}

/** Sends a request on a new connection until it is answered 200. */
async function keptOut(port: number, request: string): Promise<KeptOut> {
  const startedAt = performance.now();
  for (let tries = 1; performance.now() - startedAt < GIVES_UP_MS; tries += 1) {
    if (await sendRawRequest(port, request).then(statusOf, () => 0) === 200) return { tries, ms: performance.now() - startedAt };
  }
  return { tries: Number.POSITIVE_INFINITY, ms: Number.POSITIVE_INFINITY };
}

const most = (all: readonly KeptOut[], figure: keyof KeptOut): number => Math.round(Math.max(...all.map((one) => one[figure])));

test.each([['with one request each', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'], ['silent', ''], ['with heads that never end', 'GET / HTTP/1.1\r\nX: ']])(
  `${PLACES} keyless connections and more that want their places, %s, keep neither a client with a key nor a probe out: their places are given away before their clock ends`, async (_name, begin) => {
    await using penstock = await runPenstock({ document: { clients: [{ name: 'alice', key_sha256: hashClientKey(KEY) }] } });
    const plan: FloodPlan = { port: penstock.port, connections: FLOOD, begin };
    const flood = new Worker(new URL('./flood-worker.ts', import.meta.url), { workerData: plan });
    let made = 0;
    let open = 0;
    const evicted = async (): Promise<number> => sumOf(await (await fetch(`${penstock.operations}/metrics`)).text(), 'penstock_inbound_connections_evicted_total') ?? Number.NaN;
    flood.on('message', (counts: { open: number; made: number }) => { ({ made, open } = counts); });
    try {
      await expect.poll(() => open, { timeout: GIVES_UP_MS }).toBeGreaterThanOrEqual(PLACES * 0.98);
      const evictedBefore = await evicted();
      const clients: KeptOut[] = [];
      const probes: KeptOut[] = [];
      for (let probe = 0; probe < PROBES; probe += 1) {
        const [client, livez, readyz] = await Promise.all([
          keptOut(penstock.port, `GET /anthropic/v1/models HTTP/1.1\r\nHost: localhost\r\nx-api-key: ${KEY}\r\n\r\n`),
          keptOut(penstock.operationsPort, 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'),
          keptOut(penstock.operationsPort, 'GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n'),
        ]);
        clients.push(client);
        probes.push(livez, readyz);
        await pause(50);
      }
      process.stdout.write(`kept out: a client for ${most(clients, 'ms')} ms and ${most(clients, 'tries')} tries, a probe for ${most(probes, 'ms')} ms and ${most(probes, 'tries')} tries; ${made} connections, ${open} open\n`);
      expect(most(clients, 'tries')).toBeLessThanOrEqual(MOST_TRIES);
      expect(most(probes, 'tries')).toBeLessThanOrEqual(MOST_TRIES);
      // Places were not only free because a clock had ended: keyless connections gave way.
      expect(await evicted() - evictedBefore).toBeGreaterThan(PROBES);
    } finally {
      await flood.terminate();
    }
  },
);
