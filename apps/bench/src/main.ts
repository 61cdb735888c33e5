import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseContenders, type Skipped } from './contenders/all-contenders.ts';
import { checkRegression, KNOWN_RATIOS } from './report/check-regression.ts';
import { describeMachine } from './report/describe-machine.ts';
import { drawChart } from './report/draw-chart.ts';
import { describeWorkload } from './report/print-table.ts';
import { WORKLOADS, quick } from './workloads/all-workloads.ts';
import { describeTurns } from './turns/describe-turns.ts';
import { runTurns, type TurnRow } from './turns/run-turns.ts';
import { describeTranslated, runTranslated, type TranslatedRow } from './translated/run-translated.ts';
import { describeLivePage, runLivePage, type LivePageRow } from './live-page/run-live-page.ts';
import { describeSignedIn, runSignedIn, SIGNED_IN_PLAN, type CallerRow } from './signed-in/run-signed-in.ts';
import { createBenchRig } from './workloads/bench-rig.ts';
import { runWorkload, type WorkloadResult } from './workloads/run-workload.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    contender: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string' },
    check: { type: 'boolean', default: false },
    'no-peers': { type: 'boolean', default: false },
    out: { type: 'string', default: 'bench-results' },
  },
});

const workloads = WORKLOADS
  .filter(({ name }) => !flags.check || name in KNOWN_RATIOS)
  .filter(({ name }) => flags.only.length === 0 || flags.only.some((part) => name.includes(part)))
  .map((workload) => (flags.quick ? quick(workload) : workload))
  .map((workload) => (flags.rounds === undefined ? workload : { ...workload, rounds: Number(flags.rounds) }));
/** The name of what is no workload: inputs that are costly for their size, by the longest turn of the event loop. */
const TURNS = 'turns';
/** The name of another one: what a person's token costs beside a client's key. */
const SIGNED_IN = 'signed-in';
const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'));
const results: WorkloadResult[] = [];
let turns: readonly TurnRow[] = [];
let signedIn: readonly CallerRow[] = [];
/** The name of what the live page costs: no workload either. */
const LIVE_PAGE = 'live-page';
const isWanted = (name: string): boolean => !flags.check && (flags.only.length === 0 || flags.only.some((part) => name.includes(part)));
let livePage: LivePageRow | undefined;
const withSignedIn = !flags.check && (flags.only.length === 0 || flags.only.some((part) => SIGNED_IN.includes(part)));
/** The name of what a streamed event costs that is translated, beside one that is relayed. */
const TRANSLATED = 'translated';
let translated: TranslatedRow | undefined;
const rig = await createBenchRig(folder);
try {
  const { contenders, skipped } = await chooseContenders({ names: flags.check ? ['penstock'] : flags.contender, withPeers: !flags['no-peers'] && !flags.quick && workloads.length > 0 });
  console.log(`${describeMachine()}\n`);
  for (const { name, reason } of skipped) console.log(`skipped ${name}: ${reason}`);
  for (const workload of workloads) {
    const taking = contenders.filter(({ isPeer, onlyIn = workload.name }) => (workload.withPeers || !isPeer) && onlyIn === workload.name);
    const result = await runWorkload(rig, workload, taking, (text) => progress(`${workload.name}: ${text}`));
    progress('');
    results.push(result);
    console.log(`${describeWorkload(result)}\n`);
    save(results, skipped);
  }
  if (isWanted(TURNS)) {
    turns = await runTurns(folder, flags.quick ? 1_000_000 : 32_000_000, (text) => progress(`${TURNS}: ${text}`));
    progress('');
    console.log(`### Longest turn of the event loop\n\n${describeTurns(turns)}\n`);
    save(results, skipped);
  }
  if (isWanted(LIVE_PAGE)) {
    livePage = await runLivePage(folder, flags.quick ? { streams: 1_000, shareMs: 2_000 } : { streams: 8_000, shareMs: 10_000 }, (text) => progress(`${LIVE_PAGE}: ${text}`));
    progress('');
    console.log(`### Live page\n\n${describeLivePage(livePage)}\n`);
    save(results, skipped);
  }
  if (withSignedIn) {
    signedIn = await runSignedIn(rig, folder, flags.quick ? { rounds: 6, turns: 2, sliceMs: 175, warmUpMs: 2_000 } : SIGNED_IN_PLAN, (text) => progress(`${SIGNED_IN}: ${text}`));
    progress('');
    console.log(`### A person's token beside a client's key\n\n${describeSignedIn(signedIn)}\n`);
    save(results, skipped);
  }
  if (isWanted(TRANSLATED)) {
    const load = flags.quick ? { rounds: 3, warmUpRounds: 3, windowMs: 700 } : { rounds: 15, warmUpRounds: 12, windowMs: 2_000 };
    translated = await runTranslated(rig, { ...load, ...(flags.rounds === undefined ? {} : { rounds: Number(flags.rounds) }) }, (text) => progress(`${TRANSLATED}: ${text}`));
    progress('');
    console.log(`### Translated events\n\n${describeTranslated(translated)}\n`);
    save(results, skipped);
  }
  if (flags.check) check();
} finally {
  await rig.stop();
  rmSync(folder, { recursive: true, force: true });
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

/** Exits with 1 when the gateway got dearer by more than a fifth. */
function check(): void {
  for (const { workload, outcome, ratio, limit } of checkRegression(results)) {
    console.log(`${outcome.padEnd(9)} ${workload}: ${ratio.toFixed(2)} × floor, at most ${limit.toFixed(2)}`);
    if (outcome === 'regressed') process.exitCode = 1;
  }
}

function save(all: readonly WorkloadResult[], skipped: readonly Skipped[]): void {
  mkdirSync(flags.out, { recursive: true });
  writeFileSync(join(flags.out, 'results.json'), JSON.stringify({ machine: describeMachine(), skipped, workloads: all, turns, livePage, translated }, null, 1));
  writeFileSync(join(flags.out, 'results.svg'), drawChart(all));
}
