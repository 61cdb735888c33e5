import type { Contender, RunningContender } from '../contenders/contender.ts';
import type { Target } from '../load/target.ts';
import { type BenchRig, targetOf } from './bench-rig.ts';
import { measureRound, planOf } from './measure-round.ts';
import { type ByteCheck, verifyBytes } from './verify-bytes.ts';
import type { Sample, Workload } from './workload.ts';

/** What one contender did in one workload. */
export interface ContenderResult {
  readonly name: string;
  readonly bytes: ByteCheck | undefined;
  readonly samples: readonly Sample[];
  /** Why it has no samples. */
  readonly problem?: string;
}

/** One workload's results. */
export interface WorkloadResult {
  readonly workload: Workload;
  readonly results: readonly ContenderResult[];
}

interface Entry {
  readonly name: string;
  readonly running: RunningContender;
  readonly target: Target;
  readonly bytes: ByteCheck;
  readonly samples: Sample[];
  problem?: string;
}

/**
 * Runs a workload over all contenders: they are started, checked and warmed up, then measured in turn, round after round; all of it
 * once for each launch. A contender that fails is not started again, so that the samples of all are of the same rounds.
 */
export async function runWorkload(rig: BenchRig, workload: Workload, contenders: readonly Contender[], onProgress: (text: string) => void): Promise<WorkloadResult> {
  // What memory a process holds depends on what it did before: these start afresh for each sample.
  if (workload.kind === 'memory') return await runAfresh(rig, workload, contenders, onProgress);
  const results = new Map<string, ContenderResult>();
  const roundsEach = Math.ceil(workload.rounds / workload.launches);
  for (let launch = 1; launch <= workload.launches; launch += 1) {
    const taking = contenders.filter(({ name }) => launch === 1 || (results.has(name) && results.get(name)?.problem === undefined));
    const launched = await runLaunch(rig, { ...workload, rounds: roundsEach }, taking, (text) => onProgress(`launch ${launch} of ${workload.launches}: ${text}`));
    for (const result of launched) results.set(result.name, { ...result, samples: [...results.get(result.name)?.samples ?? [], ...result.samples] });
  }
  return { workload, results: [...results.values()] };
}

async function runLaunch(rig: BenchRig, workload: Workload, contenders: readonly Contender[], onProgress: (text: string) => void): Promise<readonly ContenderResult[]> {
  const entries: Entry[] = [];
  const failed: ContenderResult[] = [];
  for (const contender of contenders) {
    const entry = await enter(rig, workload, contender);
    if (entry !== undefined && 'running' in entry) entries.push(entry);
    else if (entry !== undefined) failed.push(entry);
  }
  await rig.upstream.call('plan', planOf(workload));
  await rig.load.call('spin', workload.keepsLoadAwake);
  const turns = warmUpTurns(workload);
  for (let turn = 0; turn < turns; turn += 1) {
    onProgress(`warming up, turn ${turn + 1} of ${turns}`);
    for (const entry of entries) await measureInto(rig, workload, entry, false);
  }
  for (let round = 0; round < workload.rounds; round += 1) {
    onProgress(`round ${round + 1} of ${workload.rounds}`);
    for (const entry of shuffled(entries)) await measureInto(rig, workload, entry, true);
  }
  await rig.load.call('spin', false);
  for (const { running } of entries) await running.stop();
  return [...entries.map(toResult), ...failed];
}

async function runAfresh(rig: BenchRig, workload: Workload, contenders: readonly Contender[], onProgress: (text: string) => void): Promise<WorkloadResult> {
  const results: ContenderResult[] = [];
  for (const contender of contenders) {
    const samples: Sample[] = [];
    let last: ContenderResult | undefined;
    for (let round = 0; round < workload.rounds && last?.problem === undefined; round += 1) {
      onProgress(`${contender.name}, ${round + 1} of ${workload.rounds}`);
      const entry = await enter(rig, workload, contender);
      if (entry === undefined) break;
      if ('running' in entry) {
        await rig.upstream.call('plan', planOf(workload));
        await measureInto(rig, workload, entry, true);
        await entry.running.stop();
        samples.push(...entry.samples);
        last = toResult(entry);
      } else last = entry;
    }
    if (last !== undefined) results.push({ ...last, samples });
  }
  return { workload, results };
}

/** Starts a contender and checks its bytes; `undefined` when it does not serve the workload. */
async function enter(rig: BenchRig, workload: Workload, contender: Contender): Promise<Entry | ContenderResult | undefined> {
  const running = await rig.start(contender, workload).catch((error: unknown) => String(error));
  if (typeof running === 'string') return { name: contender.name, bytes: undefined, samples: [], problem: running };
  const target = targetOf(running, workload);
  if (target === undefined) {
    await running.stop();
    return undefined;
  }
  try {
    return { name: contender.name, running, target, bytes: await verifyBytes(rig, workload, target), samples: [] };
  } catch (error) {
    await running.stop();
    return { name: contender.name, bytes: undefined, samples: [], problem: String(error) };
  }
}

async function measureInto(rig: BenchRig, workload: Workload, entry: Entry, isKept: boolean): Promise<void> {
  if (entry.problem !== undefined) return;
  try {
    const sample = await measureRound(rig, workload, entry.running, entry.target);
    if (isKept) entry.samples.push(sample);
  } catch (error) {
    entry.problem = String(error);
  }
}

/**
 * How many rounds are thrown away first: engines compile what is hot while it runs, and need tens of thousands of requests for it. They
 * are taken in turn, like those that count: what waited for long begins half cold.
 */
function warmUpTurns(workload: Workload): number {
  if (workload.kind === 'requests') return Math.ceil(workload.warmUpMs / workload.sliceMs);
  return workload.kind === 'streams' ? Math.ceil(workload.warmUpMs / workload.windowMs) : 1;
}

/** Each round has an order of its own, so that none always follows the same neighbour and finds the caches as that left them. */
function shuffled<Item>(items: readonly Item[]): readonly Item[] {
  return items.map((item) => ({ item, place: Math.random() })).toSorted((a, b) => a.place - b.place).map(({ item }) => item);
}

function toResult({ name, bytes, samples, problem }: Entry): ContenderResult {
  return { name, bytes, samples, ...(problem === undefined ? {} : { problem }) };
}
