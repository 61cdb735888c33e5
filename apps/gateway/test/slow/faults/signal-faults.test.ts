import { afterAll, expect, test } from 'vitest';
import type { Fault } from '../../faults/fault-cells.ts';
import { pause } from '../../faults/fault-requests.ts';
import { startFaultUpstream } from '../../faults/fault-upstream.ts';
import { CLIENTS } from '../../faults/fault-world.ts';
import { runPenstock, type PenstockProcess } from '../../run-penstock.ts';
import { askNext, holdRequests, metricOf, waitUntil } from './held-requests.ts';

const SLOTS = 3;
const ORDER = ['relay', 'acquire', 'send', 'receive', 'admit'];
let cells = 0;

afterAll(() => console.log(`fault matrix: ${cells} cells of signals right`));

const WELL = ['relay: 200 whole', 'relay: 200 whole', 'acquire: 200 whole', 'send: 200 whole', 'receive: 200 whole', 'admit: 200 whole'];
/** While it drains, what was admitted is served; what was not is refused or finds the connection closed. */
const DRAINED = [...WELL.slice(0, 5), 'admit: 503 draining|closed'];
const CUT = ORDER.toSpliced(0, 1, 'relay', 'relay').map((phase) => `${phase}: closed|200 broken|503 draining`);

async function repeat(times: number, everyMs: number, act: () => void): Promise<void> {
  for (let index = 0; index < times; index += 1) {
    act();
    if (everyMs > 0) await pause(everyMs);
  }
}

interface SignalCase {
  readonly fault: Fault;
  readonly what: string;
  readonly strike: (penstock: PenstockProcess) => Promise<void> | void;
  readonly results: readonly string[];
  /** How the process ends; `undefined` when it stays. */
  readonly exit?: number | string;
}

const signals = (...names: NodeJS.Signals[]) => ({ child }: PenstockProcess): void => { for (const name of names) child.kill(name); };

/** Sends signals and waits until the first of them has begun the drain: until then a second one of the same name would be one with it. */
const draining = (...names: NodeJS.Signals[]) => async (penstock: PenstockProcess): Promise<void> => {
  signals(...names)(penstock);
  await waitUntil(async () => (await fetch(`${penstock.operations}/readyz`)).status === 503, 'the drain to begin');
};

const CASES: readonly SignalCase[] = [
  {
    fault: 'reset', what: 'SIGKILL', results: CUT, exit: 'SIGKILL',
    strike: async ({ child, exited }) => {
      child.kill('SIGKILL');
      await exited;
    },
  },
  { fault: 'fin', what: 'SIGTERM', strike: draining('SIGTERM'), results: DRAINED, exit: 0 },
  {
    fault: 'stall', what: 'SIGSTOP for a second', results: WELL,
    strike: async ({ child }) => {
      child.kill('SIGSTOP');
      await pause(1_000);
      child.kill('SIGCONT');
    },
  },
  { fault: 'drip', what: 'SIGHUP every 50 ms', results: WELL, strike: ({ child }) => repeat(20, 50, () => child.kill('SIGHUP')) },
  { fault: 'garbage', what: 'signals that mean nothing here', results: WELL, strike: signals('SIGPIPE', 'SIGWINCH', 'SIGURG', 'SIGUSR2') },
  { fault: 'huge', what: '500 times SIGHUP', results: WELL, strike: ({ child }) => repeat(500, 0, () => child.kill('SIGHUP')) },
  {
    fault: 'duplicate', what: 'SIGTERM twice', results: CUT, exit: 0,
    strike: async (penstock) => {
      await draining('SIGTERM')(penstock);
      penstock.child.kill('SIGTERM');
      await penstock.exited;
    },
  },
  { fault: 'out_of_order', what: 'SIGHUP and SIGUSR2 after SIGTERM', strike: draining('SIGTERM', 'SIGHUP', 'SIGUSR2'), results: DRAINED, exit: 0 },
];

test.each(CASES)('$fault: $what, with a request in every phase', async ({ strike, results, exit }) => {
  await using upstream = await startFaultUpstream();
  await using penstock = await runPenstock({
    document: { clients: CLIENTS, openai_front_door: { enabled: false }, anthropic_native: { base_url: upstream.origin, pool: { max_connections: SLOTS }, timeouts: { slot_wait: 30 } } },
    flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  const requests = await holdRequests(penstock, upstream, SLOTS);
  await strike(penstock);
  await pause(150);
  const seen: string[] = [];
  for (const phase of ORDER) seen.push(...await Promise.all(requests.filter((request) => request.phase === phase).map(async (request) => `${phase}: ${await request.finish()}`)));
  const wrong = seen.filter((result, index) => !results[index]?.split(': ')[1]?.split('|').includes(result.split(': ')[1] ?? ''));
  expect(wrong).toEqual([]);
  if (exit === undefined) {
    expect(await askNext(penstock.port)).toBe('200 whole');
    await waitUntil(async () => await metricOf(penstock, 'penstock_requests_in_flight{side="native"}') === 0, 'no request in flight');
  } else {
    expect(await penstock.exited).toBe(exit);
    expect(penstock.stdout()).not.toContain('uncaught');
    await waitUntil(async () => upstream.openConnections() === 0, 'the upstream to be rid of its connections');
  }
  cells += 5;
});
