import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createScratchFolder } from './scratch-folder.ts';
import { buildWorkspace, mustRun, publishedPackages, ROOT, run, sizeOf } from './workspace.ts';

const scratch = createScratchFolder();
const packages = publishedPackages();
const names = packages.map(({ name }) => name);
const tarballs = new Map<string, string>();
const tarball = (name: string): string => tarballs.get(name) ?? '';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly dependencies?: Readonly<Record<string, string>>; readonly hasInstallScript?: boolean }>>;
}
const readLock = (folder: string): Lock => JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as Lock;
const install = (folder: string): string => mustRun('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], folder);

beforeAll(() => {
  buildWorkspace();
  for (const { name, folder } of packages) {
    const destination = join(scratch.path, 'tarballs', basename(name));
    mkdirSync(destination, { recursive: true });
    mustRun('npx', ['-y', 'pnpm@12', 'pack', '--pack-destination', destination], folder);
    tarballs.set(name, join(destination, readdirSync(destination)[0] ?? ''));
  }
}, 600_000);
afterAll(() => scratch.remove());

describe.each(names)('%s, packed', (name) => {
  test('is clean for publint', () => {
    const { code, output } = run('publint', ['run', tarball(name), '--strict']);
    expect(code, output).toBe(0);
  });

  test('has types that resolve wherever ESM does', () => {
    const { code, output } = run('attw', [tarball(name), '--profile', 'esm-only', '--no-emoji']);
    expect(code, output).toBe(0);
  });

  test('holds compiled files, its manifest and a readme, nothing of the workspace and no install script', () => {
    const files = mustRun('tar', ['-tzf', tarball(name)]).trim().split('\n').map((file) => file.replace(/^package\//, ''));
    expect(files).toEqual(expect.arrayContaining(['package.json', 'README.md', 'dist/index.js', 'dist/index.d.ts']));
    expect(files.filter((file) => !/^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|penstock\.schema\.json|dist\/)/.test(file))).toEqual([]);
    const manifest = mustRun('tar', ['-xzOf', tarball(name), 'package/package.json']);
    expect(manifest).not.toMatch(/workspace:|catalog:/);
    expect(Object.keys((JSON.parse(manifest) as { scripts?: object }).scripts ?? {}).filter((script) => /^(?:pre|post)?install$|^prepare$/.test(script))).toEqual([]);
  });
});

describe('installed into an empty project outside the workspace', () => {
  const project = join(scratch.path, 'project');
  const entries = packages.flatMap(({ name, exports }) => Object.keys(exports).filter((key) => key !== './package.json').map((key) => `${name}${key.slice(1)}`));

  beforeAll(() => {
    mkdirSync(project);
    const dependencies = Object.fromEntries(names.map((name) => [name, `file:${tarball(name)}`]));
    const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules/typescript/package.json'), 'utf8')) as { version: string };
    // Among each other the packages come from the same tarballs: this version is not published yet.
    writeFileSync(join(project, 'package.json'), JSON.stringify({
      name: 'outside', private: true, type: 'module', dependencies, overrides: dependencies, devDependencies: { typescript: version, '@types/node': '26', '@types/koa': '3' },
    }));
    install(project);
  }, 600_000);

  test.each(entries)('%s is imported from ESM, by node as it is', (entry) => {
    const { code, output } = run(process.execPath, ['--input-type=module', '-e', `if (Object.keys(await import('${entry}')).length === 0) throw new Error('nothing')`], project);
    expect(code, output).toBe(0);
  });

  test('types resolve under nodenext and bundler, and a misspelt option is an error', () => {
    const client = `m${entries.indexOf('@penstock/upstream-client')}`;
    writeFileSync(join(project, 'use.ts'), `${entries.map((entry, index) => `import * as m${index} from '${entry}';`).join('\n')}
const client: ${client}.UpstreamClient = ${client}.createUpstreamClient({ origin: 'https://api.anthropic.com' });
// @ts-expect-error the user hears of it before the program runs
${client}.createUpstreamClient({ orgin: 'https://api.anthropic.com' });
console.log(${entries.map((_, index) => `m${index}`).join(', ')}, client.stats().waiting);
`);
    for (const [module, resolution] of [['nodenext', 'nodenext'], ['esnext', 'bundler']] as const) {
      const { code, output } = run(join(project, 'node_modules/.bin/tsc'), ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2024', '--lib', 'es2024,esnext.disposable,dom', '--types', 'node', '--module', module, '--moduleResolution', resolution, 'use.ts'], project);
      expect(code, `${module}: ${output}`).toBe(0);
    }
  });

  test('the penstock command runs, and nothing that it brings along has an install script', () => {
    expect(mustRun(join(project, 'node_modules/.bin/penstock'), ['--version'], project)).toMatch(/^\d+\.\d+\.\d+/);
    expect(run(join(project, 'node_modules/.bin/penstock'), ['check', '--simulate'], project).code).toBe(0);
    expect(Object.entries(readLock(project).packages).filter(([, { dev, hasInstallScript }]) => dev !== true && hasInstallScript === true).map(([path]) => path)).toEqual([]);
  });
});

test.each(packages.filter(({ name }) => name !== '@penstock/gateway'))('$name alone brings only what it declares', ({ name, dependencies }) => {
  const alone = join(scratch.path, `alone-${basename(name)}`);
  mkdirSync(alone);
  writeFileSync(join(alone, 'package.json'), JSON.stringify({ name: 'alone', private: true, type: 'module', dependencies: { [name]: `file:${tarball(name)}` } }));
  install(alone);
  const { packages: installed } = readLock(alone);
  expect(Object.keys(installed[`node_modules/${name}`]?.dependencies ?? {}).toSorted()).toEqual(Object.keys(dependencies).toSorted());
  expect(Object.entries(installed).filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => path)).toEqual([]);
  const { code, output } = run(process.execPath, ['--input-type=module', '-e', `await import('${name}')`], alone);
  expect(code, output).toBe(0);
  console.log(`${name}: ${Object.keys(installed).length - 1} packages, ${(sizeOf(join(alone, 'node_modules')) / 1e6).toFixed(1)} MB`);
});
