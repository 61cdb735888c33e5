// Prepares what the release workflow hands to jobs that have rights and run nothing of the repository: while changesets wait, the patch that
// raises versions; else the packed packages, numbered in the order in which they are published.
// usage: GITHUB_REPOSITORY=owner/name node scripts/prepare-release.mjs FOLDER
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { readCommandLine, refuse } from './command-line.mjs';

const ROOT = resolve(import.meta.dirname, '..');
const { GITHUB_OUTPUT: outputs, npm_execpath: pnpm } = process.env;
const USAGE = 'GITHUB_REPOSITORY=owner/name npx -y pnpm@12 prepare-release FOLDER';
const { words: [folder] } = readCommandLine(USAGE, { mostWords: 1 });
if (folder === undefined) refuse(USAGE, 'no folder is named');
const out = resolve(folder);

function run(command, args, cwd = ROOT) {
  const { status, stdout, error } = spawnSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) {
    console.error(`${command} ${args.join(' ')} ended with ${error?.message ?? status}`);
    process.exit(1);
  }
  return stdout;
}

/** Published packages, each behind those that it depends on. */
function inOrder() {
  const manifests = ['packages', 'apps'].flatMap((area) => readdirSync(join(ROOT, area)).map((name) => join(ROOT, area, name)))
    .filter((path) => existsSync(join(path, 'package.json')))
    .map((path) => ({ path, ...JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) }))
    .filter((manifest) => manifest.private !== true);
  const ordered = [];
  const visit = (manifest) => {
    if (ordered.includes(manifest)) return;
    for (const dependency of manifests) if (manifest.dependencies?.[dependency.name] !== undefined) visit(dependency);
    ordered.push(manifest);
  };
  manifests.forEach(visit);
  return ordered;
}

mkdirSync(out, { recursive: true });
const isPending = readdirSync(join(ROOT, '.changeset')).some((name) => name.endsWith('.md') && name !== 'README.md');
if (isPending) {
  run(process.execPath, ['scripts/raise-versions.mjs']);
  run('git', ['add', '--all', '.changeset', 'packages', 'apps', 'deploy']);
  writeFileSync(join(out, 'versions.patch'), run('git', ['diff', '--cached', '--binary']));
} else {
  run(process.execPath, ['scripts/name-repository.mjs']);
  for (const [index, { path }] of inOrder().entries()) {
    const file = join(out, `${String(index).padStart(2, '0')}-${basename(path)}.tgz`);
    run(pnpm ?? 'npx', [...(pnpm === undefined ? ['-y', 'pnpm@12'] : []), 'pack', '--out', file], path);
  }
}
// The workflow's later jobs depend on it.
if (outputs !== undefined) appendFileSync(outputs, `pending=${isPending}\n`);
console.log(isPending ? 'versions are to be raised' : `packed ${readdirSync(out).length} packages`);
