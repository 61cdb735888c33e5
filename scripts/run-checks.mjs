// The README's test command. Runs every check through turbo from a scrubbed environment and closes with one line of totals.
// usage: node scripts/run-checks.mjs test | test:slow [--bounded]
import { spawn } from 'node:child_process';
import { refuse } from './command-line.mjs';

const SCRUBBED = /^(ANTHROPIC_|OPENAI_|CLAUDE_|OTEL_|MODEL_CAPABILITIES_|NODE_TLS_REJECT_UNAUTHORIZED$|NODE_OPTIONS$)|^PENSTOCK_(?!RECORDINGS$|REAL_CLIENTS$|PLAIN$)|_PROXY$/i;
const USAGE = 'npx -y pnpm@12 test | test:slow [--bounded] [flags of turbo run, such as --filter=NAME]';
const [suite, ...flags] = process.argv.slice(2);
if (['--help', '-h'].some((flag) => process.argv.includes(flag))) {
  console.log(`usage: ${USAGE}`);
  process.exit(0);
}
if (suite !== 'test' && suite !== 'test:slow') refuse(USAGE, suite === undefined ? 'no suite is named' : `${suite} is no suite`);
const isBounded = flags.includes('--bounded');
const passThrough = flags.filter((flag) => flag !== '--bounded' && flag !== '--');

const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !SCRUBBED.test(name)));
Object.assign(environment, { TURBO_TELEMETRY_DISABLED: '1', NO_COLOR: '1', ...(isBounded ? { PENSTOCK_SLOW_BOUNDED: '1' } : {}) });

const totals = { passed: 0, failed: 0, skipped: 0 };

const FAILURE_LINES_LIMIT = 30;

/**
 * Keeps the reports of failed tests, types and tasks out of one command's lines: at the end of ten thousand lines, and where only
 * the end of them is kept, they are what is looked for.
 */
class Failures {
  #linesLeft = 0;

  constructor(report) {
    this.report = report;
  }

  read(prefixed) {
    const line = prefixed.replace(/^(?:@[\w/.-]+:[\w:-]+: )?/, '');
    if (/^\s*FAIL {2}/.test(line)) this.#linesLeft = FAILURE_LINES_LIMIT;
    else if (/⎯\[\d+\/\d+\]⎯/.test(line)) this.#linesLeft = 0;
    if (this.#linesLeft > 0 || /\berror TS\d+:|^\s*Failed: {4}/.test(line)) this.report.push(line);
    this.#linesLeft -= 1;
  }
}

const failures = [];

/** Runs one command, hands on its output, and adds up the test runner's closing lines. */
function run([command, args], print) {
  print(`\n$ ${command} ${args.join(' ')}\n`);
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
    const reports = new Failures(failures);
    let pending = '';
    child.stdout.on('data', (chunk) => {
      print(chunk);
      const lines = (pending + chunk.toString()).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) {
        count(line);
        reports.read(line);
      }
    });
    child.on('close', (code) => {
      count(pending);
      resolve(code ?? 1);
    });
  });
}

function count(line) {
  const summary = /(?:^|\s)Tests\s+(.*)$/.exec(line)?.[1];
  if (summary === undefined || /^\d+$/.test(summary)) return;
  for (const [, number, kind] of summary.matchAll(/(\d+) (passed|failed|skipped)/g)) totals[kind] += Number(number);
}

/** Runs commands one after the other; the worst exit code. */
async function runAll(commands, print) {
  let worst = 0;
  for (const command of commands) worst = (await run(command, print)) || worst;
  return worst;
}

const turbo = (tasks, ...options) => ['turbo', ['run', ...tasks, '--log-order=grouped', '--continue', ...options, ...passThrough]];
/** One task at a time, whose lines are printed as they come: it takes half an hour. */
const slowSuite = ['turbo', ['run', 'test:slow', '--log-order=stream', '--continue', '--concurrency=1', ...passThrough]];
const echo = (text) => { process.stdout.write(text); };

/** The gateway's tests wait for processes as long as all others compute: they run beside them. */
async function runFast() {
  const built = await runAll([turbo(['build'])], echo);
  const others = [];
  const codes = await Promise.all([
    runAll([turbo(['test'], '--filter=@penstock/gateway')], echo),
    runAll([['oxlint', ['--quiet']], turbo(['typecheck', 'test'], '--filter=!@penstock/gateway', '--concurrency=1'), turbo(['typecheck'], '--filter=@penstock/gateway')], (text) => others.push(text)),
  ]);
  for (const text of others) echo(text);
  return Math.max(built, ...codes);
}

const isWhole = suite === 'test' && passThrough.length === 0;
const exitCode = isWhole ? await runFast() : await runAll(suite === 'test'
  ? [['oxlint', ['--quiet']], turbo(['build', 'typecheck', 'test'], '--concurrency=2')]
  : [slowSuite], echo);
if (exitCode !== 0 && totals.failed === 0) totals.failed = 1;
if (failures.length > 0) console.log(`\nFailures:\n${failures.join('\n')}`);
console.log(`\n${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`);
process.exitCode = exitCode;
