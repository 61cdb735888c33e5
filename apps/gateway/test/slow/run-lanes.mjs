// Runs the slow suite: the lanes `clients` and `rest` of lanes.ts beside each other, then `measured` alone. With arguments, the files they name.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const files = process.argv.slice(2);
const cwd = fileURLToPath(new URL('../..', import.meta.url));

/** Runs one lane; prints its output as it comes, or all of it at the end. Resolves with the exit code. */
function runLane(lane, isLive) {
  const kept = [];
  const print = (chunk) => {
    if (isLive) process.stdout.write(chunk);
    else kept.push(chunk);
  };
  const env = lane === undefined ? process.env : { ...process.env, PENSTOCK_SLOW_LANE: lane };
  return new Promise((resolve) => {
    const child = spawn('vitest', ['run', '--config', 'vitest.slow.config.ts', ...files], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', print);
    child.stderr.on('data', print);
    child.on('error', (error) => { print(Buffer.from(`${error.message}\n`)); });
    child.on('close', (code) => {
      process.stdout.write(Buffer.concat(kept));
      resolve(code ?? 1);
    });
  });
}

const codes = files.length > 0 ? [await runLane(undefined, true)] : await Promise.all([runLane('rest', true), runLane('clients', false)]);
if (files.length === 0) codes.push(await runLane('measured', true));
process.exitCode = Math.max(...codes);
