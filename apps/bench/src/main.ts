import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseContenders, type Skipped } from './contenders/all-contenders.ts';
import { describeMachine } from './report/describe-machine.ts';
import { describeWorkload } from './report/print-table.ts';
import { WORKLOADS, quick } from './workloads/all-workloads.ts';
import { createBenchRig } from './workloads/bench-rig.ts';
import { runWorkload, type WorkloadResult } from './workloads/run-workload.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    contender: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string' },
    'no-peers': { type: 'boolean', default: false },
    out: { type: 'string', default: 'bench-results' },
  },
});

const workloads = WORKLOADS
  .filter(({ name }) => flags.only.length === 0 || flags.only.some((part) => name.includes(part)))
  .map((workload) => (flags.quick ? quick(workload) : workload))
  .map((workload) => (flags.rounds === undefined ? workload : { ...workload, rounds: Number(flags.rounds) }));
const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'));
const results: WorkloadResult[] = [];
const rig = await createBenchRig(folder);
try {
  const { contenders, skipped } = await chooseContenders({ names: flags.contender, withPeers: !flags['no-peers'] && !flags.quick });
  console.log(`${describeMachine()}\n`);
  for (const { name, reason } of skipped) console.log(`skipped ${name}: ${reason}`);
  for (const workload of workloads) {
    const taking = contenders.filter(({ isPeer }) => workload.withPeers || !isPeer);
    const result = await runWorkload(rig, workload, taking, (text) => progress(`${workload.name}: ${text}`));
    progress('');
    results.push(result);
    console.log(`${describeWorkload(result)}\n`);
    save(results, skipped);
  }
} finally {
  await rig.stop();
  rmSync(folder, { recursive: true, force: true });
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

function save(all: readonly WorkloadResult[], skipped: readonly Skipped[]): void {
  mkdirSync(flags.out, { recursive: true });
  writeFileSync(join(flags.out, 'results.json'), JSON.stringify({ machine: describeMachine(), skipped, workloads: all }, null, 1));
}
