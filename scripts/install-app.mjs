// Installs what the gateway needs to run where the workspace is not installed as a whole: a third of its bytes, without the SDKs of the test suites.
// .pnpmfile.cjs keeps pnpm from installing everything before.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PNPM_STATE = join(ROOT, 'node_modules/.pnpm-workspace-state-v1.json');
/** The lockfile's digest at the last install of this script. */
const STAMP = join(ROOT, 'node_modules/.penstock-app');

/** The root's runtime dependencies are Node, the compiler, its types of Node, and the peers of packages, which find them in the folder above. */
const SCOPE = ['--prod', '--filter=penstock-workspace', '--filter=@penstock/gateway...'];

/** True where pnpm has installed the whole workspace, which it keeps current itself. */
export function isWhole() {
  try {
    return JSON.parse(readFileSync(PNPM_STATE, 'utf8')).filteredInstall !== true;
  } catch {
    return false;
  }
}

/** Returns what went wrong, or nothing. */
export function installApp() {
  const digest = createHash('sha256').update(readFileSync(join(ROOT, 'pnpm-lock.yaml'))).digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === digest) return undefined;
  console.error('installing what the gateway needs, without the test suites');
  const pnpm = process.env.npm_execpath ?? 'pnpm';
  const [command, ...leading] = /\.[cm]?js$/.test(pnpm) ? [process.execPath, pnpm] : [pnpm];
  // Its progress goes to the standard error, the standard output is that of the command.
  const { status, error } = spawnSync(command, [...leading, 'install', '--frozen-lockfile', ...SCOPE], { cwd: ROOT, stdio: ['ignore', process.stderr, 'inherit'] });
  if (status !== 0) return error?.message ?? `pnpm install ended with ${status}`;
  // With its state pnpm would take the workspace for current: without it, the next command that needs the rest installs everything.
  rmSync(PNPM_STATE, { force: true });
  writeFileSync(STAMP, digest);
  return undefined;
}
