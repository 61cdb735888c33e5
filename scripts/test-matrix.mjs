// Runs the fast suites on other versions of Node, each taken from the registry's `node` package.
// usage: node scripts/test-matrix.mjs [VERSION …] [--package NAME] [--shard K/N]   (default: every version that the packages support, whole)
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { readCommandLine, refuse } from './command-line.mjs';
import { nodeBinary, SUPPORTED } from './node-binary.mjs';

const ROOT = resolve(import.meta.dirname, '..');
const SCRUBBED = /^(ANTHROPIC_|OPENAI_|CLAUDE_|PENSTOCK_(?!RECORDINGS$)|OTEL_|NODE_OPTIONS$|NODE_TLS_REJECT_UNAUTHORIZED$)|_PROXY$/i;

const USAGE = 'npx -y pnpm@12 test:matrix [VERSION …] [--package NAME] [--shard K/N]   (default: every version that the packages support, whole)';
const { flags: { package: only, shard }, words } = readCommandLine(USAGE, { options: { package: { type: 'string' }, shard: { type: 'string' } }, mostWords: Number.POSITIVE_INFINITY });
const wrong = words.find((word) => !/^\d+(?:\.\d+){0,2}$/.test(word));
if (wrong !== undefined) refuse(USAGE, `${wrong} is no version of Node`);
const versions = words.length > 0 ? words : SUPPORTED;

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
  const binary = nodeBinary(version);
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
