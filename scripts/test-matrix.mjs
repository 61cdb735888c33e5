// Runs the fast suites on other versions of Node, each taken from the registry's `node` package.
// usage: node scripts/test-matrix.mjs [VERSION …] [--package NAME] [--shard K/N]   (default: every version that the packages support, whole)
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const SUPPORTED = ['22.22.2', '24.14.1', '26.10.0'];
const SCRUBBED = /^(ANTHROPIC_|OPENAI_|CLAUDE_|PENSTOCK_(?!RECORDINGS$)|OTEL_|NODE_OPTIONS$|NODE_TLS_REJECT_UNAUTHORIZED$)|_PROXY$/i;

const flags = process.argv.slice(2).filter((word) => word !== '--');
const take = (flag) => (flags.includes(flag) ? flags.splice(flags.indexOf(flag), 2)[1] : undefined);
const [only, shard] = [take('--package'), take('--shard')];
const versions = flags.length > 0 ? flags : SUPPORTED;

/** The binary of one version; this process's own when it is that. */
function binaryOf(version) {
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

let running;
// A signal to this program ends the running suite too.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    running?.kill(signal);
    process.kill(process.pid, signal);
  });
}

/** Runs the suite of one folder. */
async function runSuite(binary, folder, env) {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  running = spawn(binary, [vitest, 'run', ...(shard === undefined ? [] : [`--shard=${shard}`])], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [running.stdout, running.stderr]) stream.setEncoding('utf8').on('data', (text) => { output += text; });
  const [status] = await once(running, 'close');
  return { status, output };
}

const folders = ['packages', 'apps'].flatMap((area) => readdirSync(join(ROOT, area)).map((name) => join(ROOT, area, name)))
  .filter((folder) => existsSync(join(folder, 'vitest.config.ts')) && existsSync(join(folder, 'package.json')));

let hasFailed = false;
for (const version of versions) {
  const binary = binaryOf(version);
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !SCRUBBED.test(name)));
  const env = { ...environment, PATH: `${dirname(binary)}${delimiter}${process.env.PATH ?? ''}`, NO_COLOR: '1' };
  const actual = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout.trim();
  for (const folder of folders) {
    const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    if (only !== undefined && name !== only) continue;
    const { status, output } = await runSuite(binary, folder, env);
    const totals = /^\s*Tests\s+(.*)$/m.exec(output)?.[1] ?? 'no tests ran';
    console.log(`${status === 0 ? 'passed' : 'FAILED'}  node ${actual}  ${name}  ${totals}`);
    if (status !== 0) {
      hasFailed = true;
      console.log(output);
    }
  }
}
process.exitCode = hasFailed ? 1 : 0;
