import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const PACKAGE = resolve(import.meta.dirname, '../..');
const ROOT = resolve(PACKAGE, '../..');
const { dependencies: { undici: range } } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { dependencies: { undici: string } };
const SUPPORTED: readonly (readonly [string, string])[] = [['the oldest supported', range.replace('^', '')], ['the newest', range]];

const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');

/** The part of vitest's report that is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly { readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[] }[];
}

/** Installs a version of undici below a folder; the reason where that is not possible. */
function installUndici(folder: string, version: string): string | undefined {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{}');
  const { status } = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1', `undici@${version}`], { cwd: folder });
  return status === 0 ? undefined : `undici-versions: npm cannot install undici@${version} here, skipped`;
}

/** A copy of this package, with its own tests, that finds another undici. Everything else is what the workspace has. */
function copyPackage(folder: string, undici: string): string {
  const copy = join(folder, 'packages/upstream-client');
  mkdirSync(join(copy, 'node_modules/@penstock'), { recursive: true });
  for (const name of ['vitest.shared.ts', 'package.json', 'tsconfig.base.json']) cpSync(join(ROOT, name), join(folder, name));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const name of ['src', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts']) cpSync(join(PACKAGE, name), join(copy, name), { recursive: true });
  for (const name of readdirSync(join(PACKAGE, 'node_modules')).filter((entry) => !entry.startsWith('.') && !entry.startsWith('@') && entry !== 'undici')) {
    symlinkSync(realpathSync(join(PACKAGE, 'node_modules', name)), join(copy, 'node_modules', name));
  }
  for (const name of readdirSync(join(PACKAGE, 'node_modules/@penstock'))) {
    const original = realpathSync(join(PACKAGE, 'node_modules/@penstock', name));
    symlinkSync(original, join(copy, 'node_modules/@penstock', name));
    // The references of tsconfig.json lead beside the package.
    symlinkSync(original, join(folder, 'packages', name));
  }
  symlinkSync(undici, join(copy, 'node_modules/undici'));
  return copy;
}

test.each(SUPPORTED)('upstream-client: its fast suite holds with %s undici, %s', async (_which, version) => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-undici-'));
  onTestFinished(() => { rmSync(folder, { recursive: true, force: true }); });
  const problem = installUndici(join(folder, 'installed'), version);
  if (problem !== undefined) {
    console.warn(problem);
    return;
  }
  const undici = join(folder, 'installed/node_modules/undici');
  const copy = copyPackage(join(folder, 'workspace'), undici);
  const report = join(folder, 'report.json');
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')));
  const ended = await promisify(execFile)(process.execPath, [VITEST, 'run', '--reporter=json', `--outputFile=${report}`], { cwd: copy, maxBuffer: 64 * 1024 * 1024, env }).catch((error: unknown) => error);
  if (!existsSync(report)) throw ended;
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  const failed = testResults.flatMap(({ assertionResults }) => assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName));
  const { version: tested } = JSON.parse(readFileSync(join(undici, 'package.json'), 'utf8')) as { readonly version: string };
  console.log(`undici ${tested}: ${numPassedTests} tests passed`);
  expect(failed).toEqual([]);
  expect(numPassedTests).toBeGreaterThan(300);
});
