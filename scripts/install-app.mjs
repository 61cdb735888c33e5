// Installs what the gateway needs to run, where the workspace is not installed as a whole: a third of it, without the SDKs of the test suites.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WHOLE_INSTALL = join(ROOT, 'node_modules/.pnpm-workspace-state-v1.json');
/** The lockfile's digest at the last install of this script. */
const STAMP = join(ROOT, 'node_modules/.penstock-app');

/** The root's runtime dependencies are Node, the compiler, its types of Node, and the peers of packages, which find them in the folder above. */
const SCOPE = ['--prod', '--filter=penstock-workspace', '--filter=@penstock/gateway...'];

/** True where the whole workspace is installed: by pnpm, which also checks that it is current. */
export function isWhole() {
  return existsSync(WHOLE_INSTALL);
}

/** Returns what went wrong, or nothing. */
export function installApp() {
  const digest = createHash('sha256').update(readFileSync(join(ROOT, 'pnpm-lock.yaml'))).digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === digest) return undefined;
  console.error('installing what the gateway needs');
  const pnpm = process.env.npm_execpath ?? 'pnpm';
  const [command, ...leading] = /\.[cm]?js$/.test(pnpm) ? [process.execPath, pnpm] : [pnpm];
  const { status, error, stdout, stderr } = spawnSync(command, [...leading, 'install', '--frozen-lockfile', ...SCOPE], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (status !== 0) return error?.message ?? `${stdout}${stderr}`;
  // pnpm would take the workspace for current. Without it, the next command that needs the rest installs everything.
  rmSync(WHOLE_INSTALL, { force: true });
  writeFileSync(STAMP, digest);
  return undefined;
}
