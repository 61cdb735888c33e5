import type { Contender, RunningContender } from '../contenders/contender.ts';
import { cpuNanoseconds } from '../process/process-usage.ts';
import type { RequestLoopResult } from '../load/request-loop.ts';
import { pairedInterval, type PairedInterval } from '../report/paired-interval.ts';
import { targetOf, type BenchRig } from '../workloads/bench-rig.ts';
import { median, type RequestWorkload } from '../workloads/workload.ts';

/** How long and how often is measured. A round gives one difference; it is made of turns, in each of which every state has a slice, so that a machine whose speed drifts was equally fast for all. */
export interface SwitchedPlan {
  /** Processes, one after another. */
  readonly launches: number;
  /** In each process. */
  readonly rounds: number;
  readonly turns: number;
  readonly sliceMs: number;
  readonly warmUpMs: number;
}

/** What the ledger adds to a request in one process, beside the same process in which it is switched off. Microseconds of processor time. */
export interface SwitchedRow {
  readonly name: string;
  readonly offMicroseconds: number;
  readonly more: PairedInterval;
  readonly moreByProcess: readonly number[];
  /** The same between two slices of one turn that are both off: what the method itself shows. */
  readonly control: PairedInterval;
  readonly failures: number;
}

/** The states of the switch in a turn. */
const STATES = ['on', 'off', 'off again'] as const;
type State = (typeof STATES)[number];

interface Spent { cpuMicroseconds: number; requests: number; failures: number }

/** A gateway that was started with `ledger-switch`. */
class SwitchedGateway {
  readonly #rig: BenchRig;
  readonly #workload: RequestWorkload;
  readonly #running: RunningContender;
  #isOff = false;

  constructor(rig: BenchRig, workload: RequestWorkload, running: RunningContender) {
    this.#rig = rig;
    this.#workload = workload;
    this.#running = running;
  }

  /** Loads it for a while in one state. */
  async measure(state: State, durationMs: number): Promise<Spent> {
    const { pid } = this.#running;
    const target = targetOf(this.#running, this.#workload);
    if (pid === undefined || target === undefined) throw new Error('a gateway of this benchmark has a process and the path of the workload');
    const isOff = state !== 'on';
    // It is delivered with the next turn of the gateway's event loop: before all but the first requests.
    if (isOff !== this.#isOff) process.kill(pid, 'SIGWINCH');
    this.#isOff = isOff;
    const before = cpuNanoseconds(pid);
    const { requests, failures } = await this.#rig.load.call<RequestLoopResult>('requests', { target, connections: this.#workload.connections, durationMs, ratePerSecond: 0 });
    return { cpuMicroseconds: (cpuNanoseconds(pid) - before) / 1_000, requests, failures };
  }

  /** One round: the costs of a request by state. */
  async measureRound({ turns, sliceMs }: SwitchedPlan): Promise<Readonly<Record<State, Spent>>> {
    const spent: Record<State, Spent> = { on: nothing(), off: nothing(), 'off again': nothing() };
    for (let turn = 0; turn < turns; turn += 1) {
      // Each turn has an order of its own, so that none always follows the same neighbour.
      for (const { state } of STATES.map((each) => ({ state: each, place: Math.random() })).toSorted((a, b) => a.place - b.place)) {
        const slice = await this.measure(state, sliceMs);
        const sum = spent[state];
        sum.cpuMicroseconds += slice.cpuMicroseconds;
        sum.requests += slice.requests;
        sum.failures += slice.failures;
      }
    }
    return spent;
  }
}

function nothing(): Spent {
  return { cpuMicroseconds: 0, requests: 0, failures: 0 };
}

/** Measures a gateway with the switch, one process after another, each beside itself. */
export async function runSwitched(rig: BenchRig, workload: RequestWorkload, contender: Contender, plan: SwitchedPlan, onProgress: (text: string) => void): Promise<SwitchedRow> {
  const rounds: Readonly<Record<State, Spent>>[] = [];
  for (let launch = 1; launch <= plan.launches; launch += 1) {
    const running = await rig.start(contender, workload);
    const gateway = new SwitchedGateway(rig, workload, running);
    try {
      await rig.upstream.call('plan', { kind: 'message' });
      await rig.load.call('spin', true);
      onProgress(`${contender.name}, process ${launch} of ${plan.launches}: warming up`);
      for (let done = 0; done < plan.warmUpMs; done += 2 * plan.sliceMs) {
        await gateway.measure('on', plan.sliceMs);
        await gateway.measure('off', plan.sliceMs);
      }
      for (let round = 1; round <= plan.rounds; round += 1) {
        onProgress(`${contender.name}, process ${launch} of ${plan.launches}: round ${round} of ${plan.rounds}`);
        rounds.push(await gateway.measureRound(plan));
      }
    } finally {
      await rig.load.call('spin', false);
      await running.stop();
    }
  }
  return rowOf(contender.name, rounds, plan.rounds);
}

function rowOf(name: string, rounds: readonly Readonly<Record<State, Spent>>[], roundsEach: number): SwitchedRow {
  const cost = ({ cpuMicroseconds, requests }: Spent): number => cpuMicroseconds / requests;
  const more = rounds.map(({ on, off, 'off again': again }) => cost(on) - (cost(off) + cost(again)) / 2);
  return {
    name, offMicroseconds: median(rounds.map(({ off }) => cost(off))), more: pairedInterval(more),
    moreByProcess: Array.from({ length: Math.ceil(more.length / roundsEach) }, (_, index) => median(more.slice(index * roundsEach, (index + 1) * roundsEach))),
    control: pairedInterval(rounds.map(({ off, 'off again': again }) => cost(again) - cost(off))),
    failures: rounds.reduce((sum, round) => sum + STATES.reduce((all, state) => all + round[state].failures, 0), 0),
  };
}

/** The rows as a Markdown table. */
export function describeSwitched(rows: readonly SwitchedRow[], aimPercent: number): string {
  const interval = ({ median: middle, low, high }: PairedInterval): string => `${middle.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
  const lines = rows.map(({ name, offMicroseconds, more, moreByProcess, control, failures }) => [
    failures > 0 ? `${name} (${failures} failures)` : name, offMicroseconds.toFixed(1), interval(more), `${(more.median / offMicroseconds * 100).toFixed(1)} %`,
    moreByProcess.map((each) => each.toFixed(2)).join(', '), interval(control),
  ].join(' | '));
  return [
    '| in one process | off, CPU µs/request | more µs (95 %) | more | in each process | control: off beside off |', '|---|---:|---:|---:|---|---:|', ...lines.map((line) => `| ${line} |`), '',
    `Aimed at: at most ${aimPercent} % more.`,
  ].join('\n');
}
