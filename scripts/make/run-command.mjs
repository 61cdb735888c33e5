import { spawnSync } from 'node:child_process';

/** Runs a command to its end and gives its standard output. Throws with both streams where it fails. */
export function runCommand(command, args, cwd, environment = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, ...environment }, maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${error?.message ?? status}\n${stdout ?? ''}${stderr ?? ''}`);
  return stdout;
}

/** The pnpm that runs this script, else the one that the README names. */
export function runPnpm(args, cwd) {
  const { npm_execpath: running = '' } = process.env;
  if (!/pnpm/.test(running)) return runCommand('npx', ['-y', 'pnpm@12', ...args], cwd);
  return /\.[cm]?js$/.test(running) ? runCommand(process.execPath, [running, ...args], cwd) : runCommand(running, args, cwd);
}
