// The live page and its document with thousands of open streams. What they cost is measured by `bench --only live-page`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRawConnection, type RawConnection } from '@penstock/test-support';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStream, startHeldUpstream, type HeldUpstream } from '../../process/open-streams.ts';
import { runPenstock, type PenstockProcess } from '../../run-penstock.ts';

const STREAMS = 8_000;
const ROWS = 500;
const OPENED_AT_ONCE = 100;

const folder = mkdtempSync(join(tmpdir(), 'penstock-live-page-'));
const streams: RawConnection[] = [];
let upstream: HeldUpstream;
let penstock: PenstockProcess;

beforeAll(async () => {
  upstream = await startHeldUpstream();
  penstock = await runPenstock({
    document: {
      server: { max_connections: STREAMS + 100 }, log: { destination: join(folder, 'log.jsonl') },
      anthropic_native: { base_url: upstream.origin, pool: { max_connections: STREAMS + 100 }, timeouts: { idle: 3_600, stream_headers: 600 } },
    },
    flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  while (streams.length < STREAMS) streams.push(...await Promise.all(Array.from({ length: OPENED_AT_ONCE }, () => openStream(penstock.port, undefined, 120_000))));
}, 600_000);

afterAll(async () => {
  for (const stream of streams) stream.close();
  await penstock[Symbol.asyncDispose]();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

interface Status {
  readonly open: { readonly total: number; readonly requests: readonly { readonly id: string }[] };
}

async function readStatus(query: string): Promise<Status> {
  const response = await fetch(`${penstock.operations}/status.json${query}`);
  expect(response.status).toBe(200);
  return await response.json() as Status;
}

test(`with ${STREAMS} open streams every status has the whole number and as many rows as were asked for`, async () => {
  for (const limit of [1, 100, ROWS]) {
    const { open } = await readStatus(`?limit=${limit}`);
    expect([open.total, new Set(open.requests.map(({ id }) => id)).size]).toEqual([STREAMS, limit]);
  }
}, 120_000);

test(`an open page with ${ROWS} of ${STREAMS} streams is updated, and probes and streams are answered beside it`, async () => {
  const page = await openRawConnection(penstock.operationsPort);
  page.send(`GET /status.events?limit=${ROWS} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const updates = (bytes: Buffer): number => bytes.toString('latin1').match(/^data: /gm)?.length ?? 0;
  await page.waitFor((bytes) => updates(bytes) >= 3, 120_000);
  expect((await fetch(`${penstock.operations}/livez`)).status).toBe(200);
  const stream = await openStream(penstock.port, undefined, 120_000);
  stream.close();
  const seen = updates(page.received());
  await page.waitFor((bytes) => updates(bytes) > seen, 120_000);
  page.close();
}, 400_000);
