import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RequestLoopResult } from '../load/request-loop.ts';
import type { Target } from '../load/target.ts';
import { cpuNanoseconds } from '../process/process-usage.ts';
import { CORES } from '../process/spawn-pinned.ts';
import { median } from '../workloads/workload.ts';
import type { BenchRig } from '../workloads/bench-rig.ts';
import { pairedInterval, type PairedInterval } from '../report/paired-interval.ts';
import { startSignedIn, type SignedInGateway } from './start-signed-in.ts';

/** Who calls: a client with a key, the same client again as the control, a person who signed in, a person by the token of an issuer. */
const CALLERS = { 'a key': 'key', 'a key again (control)': 'key', 'signed in': 'sign_in', 'token of an issuer': 'issuer' } as const;

/** What the requests of one caller cost, beside those with a key in the same round. */
export interface CallerRow {
  readonly caller: string;
  /** Median, microseconds of CPU time a request. */
  readonly cpuMicroseconds: number;
  /** More than with a key. Microseconds; absent for the key itself. */
  readonly more: PairedInterval | undefined;
  readonly failures: number;
}

/** How long and how often is measured. A round gives one difference; it is made of turns, in each of which every caller has a slice, so that a machine whose speed drifts was equally fast for all. */
export interface SignedInPlan {
  readonly rounds: number;
  readonly turns: number;
  readonly sliceMs: number;
  readonly warmUpMs: number;
}

/** The plan of a run that is published. */
export const SIGNED_IN_PLAN: SignedInPlan = { rounds: 15, turns: 8, sliceMs: 200, warmUpMs: 14_000 };

type Caller = keyof typeof CALLERS;

const CONNECTIONS = 16;
const WARM_UP_SLICE_MS = 500;

/**
 * Measures one running gateway with each caller in turn, in a new order each round. The process is the same for all of them, so that a difference is
 * the caller's and not that of two compilations.
 */
export async function runSignedIn(rig: BenchRig, folder: string, { rounds, turns, sliceMs, warmUpMs }: SignedInPlan, onProgress: (text: string) => void): Promise<readonly CallerRow[]> {
  const own = join(folder, 'signed-in');
  mkdirSync(own, { recursive: true });
  await rig.upstream.call('plan', { kind: 'message' });
  const gateway = await startSignedIn({ folder: own, core: CORES.contender, upstreamPort: rig.upstreamPort, upstreamOrigin: `http://127.0.0.1:${rig.upstreamPort}`, nodeFlags: ['--no-memory-reducer'] });
  const callers = Object.keys(CALLERS) as Caller[];
  const samples = new Map<string, number[]>(callers.map((caller) => [caller, []]));
  const failures = new Map<string, number>();
  try {
    for (let turn = 0; turn < Math.ceil(warmUpMs / WARM_UP_SLICE_MS); turn += 1) {
      for (const caller of callers) await measure(rig, gateway, caller, WARM_UP_SLICE_MS);
    }
    for (let round = 1; round <= rounds; round += 1) {
      onProgress(`round ${round} of ${rounds}`);
      const spent = await measureRound(rig, gateway, callers, turns, sliceMs);
      for (const [caller, { cpuMicroseconds, requests, failures: failed }] of spent) {
        samples.get(caller)?.push(cpuMicroseconds / requests);
        failures.set(caller, (failures.get(caller) ?? 0) + failed);
      }
    }
  } finally {
    await gateway.stop();
  }
  const keyed = samples.get('a key') ?? [];
  return callers.map((caller) => {
    const costs = samples.get(caller) ?? [];
    const more = caller === 'a key' ? undefined : pairedInterval(costs.map((cost, round) => cost - (keyed[round] as number)));
    return { caller, cpuMicroseconds: median(costs), more, failures: failures.get(caller) ?? 0 };
  });
}

interface Spent { readonly cpuMicroseconds: number; readonly requests: number; readonly failures: number }

async function measureRound(rig: BenchRig, gateway: SignedInGateway, callers: readonly Caller[], turns: number, sliceMs: number): Promise<ReadonlyMap<Caller, Spent>> {
  const spent = new Map<Caller, Spent>();
  for (let turn = 0; turn < turns; turn += 1) {
    // Each turn has an order of its own, so that none always follows the same neighbour.
    for (const { caller } of callers.map((name) => ({ caller: name, place: Math.random() })).toSorted((a, b) => a.place - b.place)) {
      const slice = await measure(rig, gateway, caller, sliceMs);
      const before = spent.get(caller) ?? { cpuMicroseconds: 0, requests: 0, failures: 0 };
      spent.set(caller, { cpuMicroseconds: before.cpuMicroseconds + slice.cpuMicroseconds, requests: before.requests + slice.requests, failures: before.failures + slice.failures });
    }
  }
  return spent;
}

async function measure({ load }: BenchRig, { pid, port, bearers }: SignedInGateway, caller: Caller, durationMs: number): Promise<Spent> {
  // Nothing else in the request could be a credential.
  const fields = ['authorization', `Bearer ${bearers[CALLERS[caller]]}`, 'x-api-key', ''];
  const target: Target = { path: '/anthropic/v1/messages', fields, port, body: '1 KB' };
  const before = cpuNanoseconds(pid);
  const { requests, failures } = await load.call<RequestLoopResult>('requests', { target, connections: CONNECTIONS, durationMs, ratePerSecond: 0 });
  return { cpuMicroseconds: (cpuNanoseconds(pid) - before) / 1_000, requests, failures };
}

/** The rows as a Markdown table. */
export function describeSignedIn(rows: readonly CallerRow[]): string {
  const lines = rows.map(({ caller, cpuMicroseconds, more, failures }) => {
    const name = failures > 0 ? `${caller} (${failures} failures)` : caller;
    const interval = more === undefined ? '–' : `${more.low.toFixed(1)} to ${more.high.toFixed(1)} (${(more.coverage * 100).toFixed(0)} %)`;
    return `| ${name} | ${cpuMicroseconds.toFixed(1)} | ${more === undefined ? '–' : more.median.toFixed(1)} | ${interval} |`;
  });
  return ['| caller | CPU µs/request | more than with a key, µs: median | interval |', '|---|---:|---:|---:|', ...lines].join('\n');
}
