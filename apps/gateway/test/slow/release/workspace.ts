import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { scrubbedEnvironment } from '@penstock/test-support';

/** The root of the repository. */
export const ROOT: string = resolve(import.meta.dirname, '../../../../..');

/** A package that is published. */
export interface PublishedPackage {
  readonly name: string;
  readonly folder: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Every package that is published, the application included. */
export function publishedPackages(): readonly PublishedPackage[] {
  return ['packages', 'apps'].flatMap((area) => readdirSync(join(ROOT, area)).map((name) => join(ROOT, area, name)))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Partial<PublishedPackage> & { name: string; private?: boolean } }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ folder, manifest: { name, exports = {}, dependencies = {} } }) => ({ name, folder, exports, dependencies }));
}

/** How a command ended. */
export interface CommandResult {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a command to its end; its output is both streams. The tools of the workspace are on the path. */
export function run(command: string, args: readonly string[], cwd: string = ROOT, environment: Readonly<Record<string, string>> = {}): CommandResult {
  const env = scrubbedEnvironment({ PATH: [join(ROOT, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(delimiter), NO_COLOR: '1', ...environment });
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, timeout: 540_000 });
  return { code: status, output: `${stdout}${stderr}${error === undefined ? '' : error.message}` };
}

/** Runs a command that must succeed, and gives its output. */
export function mustRun(command: string, args: readonly string[], cwd: string = ROOT, environment: Readonly<Record<string, string>> = {}): string {
  const { code, output } = run(command, args, cwd, environment);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`);
  return output;
}

/** Compiles everything that is published. */
export function buildWorkspace(): void {
  mustRun('tsc', ['-b', 'apps/gateway']);
}

/** The sizes of all files under a folder together, links not followed. */
export function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? sizeOf(path) : entry.isFile() ? lstatSync(path).size : 0);
  }, 0);
}
