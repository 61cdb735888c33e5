// Fetches the binary of a version of Node from the registry's packages, once, and prints its path.
// usage: node scripts/node-binary.mjs VERSION
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');

/** The oldest of each line that the packages support, and the one of the project. */
export const SUPPORTED = ['22.22.2', '24.14.1', '26.10.0'];

/** The binary of one version; this process's own when it is that. */
export function nodeBinary(version) {
  if (process.versions.node === version) return process.execPath;
  // What the registry's `node` package installs for this machine; asked for by name, no install script has to run.
  const distribution = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const folder = join(ROOT, 'node_modules/.cache/node-matrix', version);
  const binary = join(folder, 'node_modules', distribution, process.platform === 'win32' ? 'bin/node.exe' : 'bin/node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: { [distribution]: version } }));
    const { status } = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0 || !existsSync(binary)) throw new Error(`node ${version} could not be installed`);
  }
  return binary;
}

if (import.meta.main) console.log(nodeBinary(process.argv[2] ?? ''));
