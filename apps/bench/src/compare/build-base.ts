import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The built gateway of another commit, or why it could not be built. */
export type BuiltBase = { readonly main: string } | { readonly missing: string };

const run = promisify(execFile);
const STEP_TIMEOUT_MS = 90_000;

/** Builds the gateway of `commit` inside `folder`, from the packages that pnpm already has. */
export async function buildBase(root: string, commit: string, folder: string): Promise<BuiltBase> {
  const tree = join(folder, 'base');
  mkdirSync(tree, { recursive: true });
  const archive = join(folder, 'base.tar');
  const steps: readonly (readonly [program: string, parameters: readonly string[], cwd: string])[] = [
    ['git', ['-C', root, 'archive', '--output', archive, commit], folder],
    ['tar', ['-xf', archive], tree],
    ['npx', ['-y', 'pnpm@12', 'install', '--frozen-lockfile', '--offline', '--ignore-scripts', '--filter', '@penstock/gateway...', '--filter', 'penstock-workspace'], tree],
    [process.execPath, [join(tree, 'node_modules/typescript/bin/tsc'), '-b'], join(tree, 'apps/gateway')],
  ];
  for (const [program, parameters, cwd] of steps) {
    const problem = await run(program, parameters, { cwd, timeout: STEP_TIMEOUT_MS, maxBuffer: 64_000_000 }).then(() => undefined, (error: unknown) => error as { readonly stdout?: string; readonly message: string });
    if (problem !== undefined) return { missing: `${program} failed on commit ${commit.slice(0, 12)}: ${(problem.stdout?.trim() || problem.message).slice(-300)}` };
  }
  return { main: join(tree, 'apps/gateway/dist/main.js') };
}
