import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { beginTurnReport, openRawConnection } from '@penstock/test-support';
import { cpuNanoseconds } from '../process/process-usage.ts';
import { startProbedGateway, type ProbedProgram } from '../turns/start-probed.ts';
import { HeldStreams, startHoldingUpstream } from './held-streams.ts';

/** What an open live page and a status cost a gateway with open streams. */
export interface LivePageRow {
  readonly rows: number;
  /** Shares of a core: before a page was open, with one (the least of three measurements), and after it closed. */
  readonly shares: { readonly before: number; readonly watched: number; readonly after: number };
  /** Updates that the page got in a second. */
  readonly updatesASecond: number;
  readonly streams: number;
  /** From the request for `/status.json` to its last byte, in milliseconds. */
  readonly statusMs: { readonly best: number; readonly median: number };
  /** The longest turn of the event loop in milliseconds of processor time: while statuses are read, and while a probe of the same listener is. */
  readonly turnCpuMs: { readonly status: number; readonly livez: number };
}

const ROWS = 500;
const MEASUREMENTS = 3;

export interface LivePageLoad {
  /** Open streams while the status is measured. */
  readonly streams: number;
  /** How long a share is measured, in milliseconds. */
  readonly shareMs: number;
}

/** Measures the live page with 500 rows, then `/status.json` with `streams` open streams. */
export async function runLivePage(folder: string, { streams, shareMs }: LivePageLoad, onProgress: (text: string) => void): Promise<LivePageRow> {
  const upstream = await startHoldingUpstream();
  const gateway = await startProbedGateway({ folder, upstreamOrigin: upstream.origin, connections: streams + 100 });
  const held = new HeldStreams(gateway.port);
  try {
    onProgress(`${ROWS} rows`);
    await held.openUpTo(ROWS);
    const { shares, updatesASecond } = await measurePage(gateway, shareMs);
    onProgress(`${streams} streams`);
    await held.openUpTo(streams);
    const statusMs = await measureStatus(gateway);
    return { rows: ROWS, shares, updatesASecond, streams, statusMs, turnCpuMs: await measureTurns(gateway) };
  } finally {
    held.close();
    await gateway.stop();
    await upstream.close();
  }
}

async function shareOfCore({ pid }: ProbedProgram, shareMs: number): Promise<number> {
  const before = cpuNanoseconds(pid);
  const from = performance.now();
  await pause(shareMs);
  return (cpuNanoseconds(pid) - before) / 1e6 / (performance.now() - from);
}

async function measurePage(gateway: ProbedProgram, shareMs: number): Promise<Pick<LivePageRow, 'shares' | 'updatesASecond'>> {
  const before = await shareOfCore(gateway, shareMs);
  const page = await openRawConnection(gateway.operationsPort);
  page.send(`GET /status.events?limit=${ROWS} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await page.waitFor((bytes) => bytes.includes('data: '));
  // The first updates are made by code that is not compiled yet.
  await shareOfCore(gateway, shareMs);
  const from = page.received().length;
  const watched: number[] = [];
  for (let count = 0; count < MEASUREMENTS; count += 1) watched.push(await shareOfCore(gateway, shareMs));
  const updates = page.received().subarray(from).toString().match(/^data: /gm)?.length ?? 0;
  page.close();
  await shareOfCore(gateway, shareMs);
  // The least: what else runs on the machine makes the same work dearer.
  return { shares: { before, watched: Math.min(...watched), after: await shareOfCore(gateway, shareMs) }, updatesASecond: updates / (MEASUREMENTS * shareMs / 1_000) };
}

async function readStatus({ operationsPort }: ProbedProgram, query: string): Promise<number> {
  const from = performance.now();
  await (await fetch(`http://127.0.0.1:${operationsPort}/status.json${query}`)).json();
  return performance.now() - from;
}

async function measureStatus(gateway: ProbedProgram): Promise<LivePageRow['statusMs']> {
  for (let count = 0; count < 20; count += 1) await readStatus(gateway, `?search=warm-${count}`);
  const took: number[] = [];
  // Different questions, none of which is answered by the one before.
  for (let limit = 100; limit < 120; limit += 1) took.push(await readStatus(gateway, `?limit=${limit}`));
  const sorted = took.toSorted((one, other) => one - other);
  return { best: sorted[0] ?? Number.NaN, median: sorted[10] ?? Number.NaN };
}

/** The probe's own garbage collection makes the first turns slow: a probe of the same listener is the control. */
async function measureTurns(gateway: ProbedProgram): Promise<LivePageRow['turnCpuMs']> {
  const longest = async (work: () => Promise<unknown>): Promise<number> => {
    const turns: number[] = [];
    for (let count = 0; count < 10; count += 1) {
      const end = await beginTurnReport(gateway.probe);
      for (let times = 0; times < 5; times += 1) await work();
      turns.push((await end()).longestCpuMs);
    }
    return turns.toSorted((one, other) => one - other)[5] ?? Number.NaN;
  };
  let limit = 200;
  const livez = await longest(() => fetch(`http://127.0.0.1:${gateway.operationsPort}/livez`).then((response) => response.text()));
  const status = await longest(() => {
    limit += 1;
    return readStatus(gateway, `?limit=${limit}`);
  });
  return { status, livez };
}

/** The row in words. */
export function describeLivePage({ rows, shares, updatesASecond, streams, statusMs, turnCpuMs }: LivePageRow): string {
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
  return [
    `- a page with ${rows} rows, ${updatesASecond.toFixed(1)} updates a second: ${percent(shares.watched)} of a core; ${percent(shares.before)} before it was open, ${percent(shares.after)} after it closed (aimed at: 2 %)`,
    `- ${streams} open streams: /status.json in ${statusMs.best.toFixed(1)} ms at best, ${statusMs.median.toFixed(1)} ms in the median (aimed at: 50 ms)`,
    `- the longest turn of the event loop: ${turnCpuMs.status.toFixed(1)} ms of processor time, ${turnCpuMs.livez.toFixed(1)} ms with /livez instead (aimed at: 5 ms)`,
  ].join('\n');
}
