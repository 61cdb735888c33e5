import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RequestLoopResult } from '../load/request-loop.ts';
import type { Target } from '../load/target.ts';
import { cpuNanoseconds } from '../process/process-usage.ts';
import { CORES } from '../process/spawn-pinned.ts';
import { median } from '../workloads/workload.ts';
import type { BenchRig } from '../workloads/bench-rig.ts';
import { pairedInterval, type PairedInterval } from './paired-interval.ts';
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

/** How long and how often is measured. */
export interface SignedInPlan {
  readonly rounds: number;
  readonly sliceMs: number;
  readonly warmUpMs: number;
}

/** The plan of a run that is published. */
export const SIGNED_IN_PLAN: SignedInPlan = { rounds: 15, sliceMs: 1_500, warmUpMs: 14_000 };

const CONNECTIONS = 16;

/**
 * Measures one running gateway with each caller in turn, in a new order each round. The process is the same for all of them, so that a difference is
 * the caller's and not that of two compilations.
 */
export async function runSignedIn(rig: BenchRig, folder: string, { rounds, sliceMs, warmUpMs }: SignedInPlan, onProgress: (text: string) => void): Promise<readonly CallerRow[]> {
  const own = join(folder, 'signed-in');
  mkdirSync(own, { recursive: true });
  await rig.upstream.call('plan', { kind: 'message' });
  const gateway = await startSignedIn({ folder: own, core: CORES.contender, upstreamPort: rig.upstreamPort, upstreamOrigin: `http://127.0.0.1:${rig.upstreamPort}`, nodeFlags: ['--no-memory-reducer'] });
  const callers = Object.keys(CALLERS) as (keyof typeof CALLERS)[];
  const samples = new Map<string, number[]>(callers.map((caller) => [caller, []]));
  const failures = new Map<string, number>();
  try {
    for (let turn = 0; turn < Math.ceil(warmUpMs / 500); turn += 1) {
      for (const caller of callers) await measure(rig, gateway, caller, 500);
    }
    for (let round = 1; round <= rounds; round += 1) {
      onProgress(`round ${round} of ${rounds}`);
      for (const caller of callers.map((name) => ({ name, place: Math.random() })).toSorted((a, b) => a.place - b.place).map(({ name }) => name)) {
        const sample = await measure(rig, gateway, caller, sliceMs);
        samples.get(caller)?.push(sample.cpuMicroseconds);
        failures.set(caller, (failures.get(caller) ?? 0) + sample.failures);
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

async function measure({ load }: BenchRig, { pid, port, bearers }: SignedInGateway, caller: keyof typeof CALLERS, durationMs: number): Promise<{ readonly cpuMicroseconds: number; readonly failures: number }> {
  // Nothing else in the request could be a credential.
  const fields = ['authorization', `Bearer ${bearers[CALLERS[caller]]}`, 'x-api-key', 'none'];
  const target: Target = { path: '/anthropic/v1/messages', fields, port, body: '1 KB' };
  const before = cpuNanoseconds(pid);
  const result = await load.call<RequestLoopResult>('requests', { target, connections: CONNECTIONS, durationMs, ratePerSecond: 0 });
  return { cpuMicroseconds: (cpuNanoseconds(pid) - before) / 1_000 / result.requests, failures: result.failures };
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
