// The README's test command. Runs every check through turbo from a scrubbed environment and closes with one line of totals.
// usage: node scripts/run-checks.mjs test | test:slow [--bounded]
import { spawn } from 'node:child_process';

const SCRUBBED = /^(ANTHROPIC_|OPENAI_|CLAUDE_|OTEL_|MODEL_CAPABILITIES_|NODE_TLS_REJECT_UNAUTHORIZED$|NODE_OPTIONS$)|^PENSTOCK_(?!RECORDINGS$)|_PROXY$/i;
const [suite = 'test', ...flags] = process.argv.slice(2);
const isBounded = flags.includes('--bounded');
const passThrough = flags.filter((flag) => flag !== '--bounded' && flag !== '--');

const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !SCRUBBED.test(name)));
Object.assign(environment, { TURBO_TELEMETRY_DISABLED: '1', NO_COLOR: '1', ...(isBounded ? { PENSTOCK_SLOW_BOUNDED: '1' } : {}) });

const totals = { passed: 0, failed: 0, skipped: 0 };

/** Runs one command, echoes its output, and adds up the test runner's closing lines. */
function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
    let pending = '';
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      const lines = (pending + chunk.toString()).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) count(line);
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

/** @type {Array<[command: string, args: string[]]>} */
const steps = suite === 'test'
  ? [
    ['oxlint', ['--quiet']],
    ['turbo', ['run', 'build', 'typecheck', 'test', '--concurrency=2', '--log-order=grouped', '--continue', ...passThrough]],
  ]
  : [['turbo', ['run', 'test:slow', '--concurrency=1', '--log-order=grouped', '--continue', ...passThrough]]];

let exitCode = 0;
for (const [command, args] of steps) {
  console.log(`\n$ ${command} ${args.join(' ')}`);
  const code = await run(command, args);
  if (code !== 0) exitCode = code;
}
if (exitCode !== 0 && totals.failed === 0) totals.failed = 1;
console.log(`\n${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`);
process.exitCode = exitCode;
