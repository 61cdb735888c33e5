import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseContenders, CONTENDER_NAMES, type Skipped } from './contenders/all-contenders.ts';
import { runComparison } from './compare/run-comparison.ts';
import { describeMachine } from './report/describe-machine.ts';
import { readFlags } from './read-flags.ts';
import { drawChart } from './report/draw-chart.ts';
import { describeWorkload } from './report/print-table.ts';
import { SCENARIOS } from './scenarios/all-scenarios.ts';
import { WORKLOADS, quick } from './workloads/all-workloads.ts';
import { createBenchRig } from './workloads/bench-rig.ts';
import { runWorkload, type WorkloadResult } from './workloads/run-workload.ts';

const read = readFlags(process.argv.slice(2), { runs: [...WORKLOADS, ...SCENARIOS].map(({ name }) => name), contenders: CONTENDER_NAMES });
if (!('flags' in read)) {
  (read.exitCode === 0 ? process.stdout : process.stderr).write(`${read.text}\n`);
  process.exit(read.exitCode);
}
const { flags } = read;

const isWanted = ({ name }: { readonly name: string }): boolean => flags.only.length === 0 || flags.only.some((part) => name.includes(part));
const { rounds, launches } = flags;
const workloads = WORKLOADS
  .filter(isWanted)
  .map((workload) => (flags.quick ? quick(workload) : workload))
  .map((workload) => ({ ...workload, ...(rounds === undefined ? {} : { rounds }), ...(launches === undefined ? {} : { launches }) }));
const scenarios = SCENARIOS.filter(isWanted);
const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'));
const results: WorkloadResult[] = [];
const figures: Record<string, unknown> = {};
const rig = await createBenchRig(folder);
try {
  console.log(`${describeMachine()}\n`);
  await (flags.compare ? compare() : measure());
} finally {
  await rig.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const { contenders, skipped } = await chooseContenders({ names: flags.contender, withPeers: flags.peers && (!flags.quick || flags.contender.length > 0) && workloads.length > 0 });
  for (const { name, reason } of skipped) console.log(`skipped ${name}: ${reason}`);
  for (const workload of workloads) {
    const taking = contenders.filter(({ isPeer, speaksTls, onlyIn = workload.name }) => (workload.withPeers || !isPeer) && onlyIn === workload.name && (workload.isUpstreamTls !== true || speaksTls === true));
    const result = await runWorkload(rig, workload, taking, (text) => progress(`${workload.name}: ${text}`));
    progress('');
    results.push(result);
    console.log(`${describeWorkload(result)}\n`);
    save(skipped);
  }
  for (const scenario of scenarios) {
    const { name, title } = scenario;
    const { report, figures: own } = await scenario.run({ rig, folder, isQuick: flags.quick, rounds, onProgress: (text) => progress(`${name}: ${text}`) });
    progress('');
    figures[name] = own;
    console.log(`### ${title}\n\n${report}\n`);
    save(skipped);
  }
}

/** Exits with 1 when the gateway got dearer. */
async function compare(): Promise<void> {
  const { report, hasRegressed } = await runComparison(rig, { folder, base: flags.base, onProgress: progress });
  progress('');
  console.log(report);
  if (hasRegressed) process.exitCode = 1;
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

function save(skipped: readonly Skipped[]): void {
  mkdirSync(flags.out, { recursive: true });
  writeFileSync(join(flags.out, 'results.json'), JSON.stringify({ machine: describeMachine(), skipped, workloads: results, scenarios: figures }, null, 1));
  writeFileSync(join(flags.out, 'results.svg'), drawChart(results));
}
