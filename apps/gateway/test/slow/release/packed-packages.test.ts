import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { scrubbedEnvironment } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createExampleWorld, type ExampleWorld } from '../../guides/example-world.ts';
import { expectedTexts, tryExample } from '../../guides/readme-examples.ts';
import { createOutsideProject, EXAMPLES, nodeOf, undiciCopies, type OutsideProject } from './outside-project.ts';
import { createScratchFolder } from './scratch-folder.ts';
import { buildWorkspace, mustRun, publishedPackages, run, sizeOf } from './workspace.ts';

const scratch = createScratchFolder();
const packages = publishedPackages();
const names = packages.map(({ name }) => name);
const tarballs = new Map<string, string>();
/** What the compiler finds in the declarations of others: @types/koa names a type that the content-disposition of today does not declare. */
const THEIR_PROBLEMS = /^(?:node_modules\/(?!@penstock\/)| )/;
/** The Nodes that run the examples; the bounded suite takes the project's own. */
const NODES = process.env['PENSTOCK_SLOW_BOUNDED'] === undefined ? ['22.22.2', '24.14.1', '26.10.0'] : [process.versions.node];
const tarball = (name: string): string => tarballs.get(name) ?? '';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly dependencies?: Readonly<Record<string, string>>; readonly hasInstallScript?: boolean }>>;
}
const readLock = (folder: string): Lock => JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as Lock;
/** The packages of the project that a package brings along. */
function composedPackages(name: string, found = new Set<string>()): ReadonlySet<string> {
  for (const other of Object.keys(packages.find((one) => one.name === name)?.dependencies ?? {})) {
    if (!tarballs.has(other) || found.has(other)) continue;
    found.add(other);
    composedPackages(other, found);
  }
  return found;
}

const install = (folder: string): string => mustRun('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], folder);

beforeAll(() => {
  buildWorkspace();
  const destination = join(scratch.path, 'tarballs');
  mkdirSync(destination);
  mustRun('npx', ['-y', 'pnpm@12', '-r', ...names.map((name) => `--filter=${name}`), 'pack', '--pack-destination', destination]);
  for (const file of readdirSync(destination)) {
    const { name } = JSON.parse(mustRun('tar', ['-xzOf', join(destination, file), 'package/package.json'])) as { name: string };
    tarballs.set(name, join(destination, file));
  }
  expect([...tarballs.keys()].toSorted()).toEqual(names.toSorted());
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
    expect(files.filter((file) => !/^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|penstock\.schema\.json|assets\/page\.(?:css|js)$|dist\/)/.test(file))).toEqual([]);
    // Sources are not packed: a map that only points at them shows nothing.
    const maps = files.filter((file) => file.endsWith('.map'));
    expect(maps.filter((file) => !file.endsWith('.js.map'))).toEqual([]);
    const { sources, sourcesContent } = JSON.parse(mustRun('tar', ['-xzOf', tarball(name), 'package/dist/index.js.map'])) as { sources: string[]; sourcesContent: string[] };
    expect([sources.length, sourcesContent.length]).toEqual([1, 1]);
    const manifest = mustRun('tar', ['-xzOf', tarball(name), 'package/package.json']);
    expect(manifest).not.toMatch(/workspace:|catalog:/);
    expect(Object.keys((JSON.parse(manifest) as { scripts?: object }).scripts ?? {}).filter((script) => /^(?:pre|post)?install$|^prepare$/.test(script))).toEqual([]);
  });
});

describe('installed into an empty project outside the workspace', () => {
  const project = join(scratch.path, 'project');
  const entries = packages.flatMap(({ name, exports }) => Object.keys(exports).filter((key) => key !== './package.json').map((key) => `${name}${key.slice(1)}`));

  let outside: OutsideProject;
  beforeAll(() => { outside = createOutsideProject(project, tarballs); }, 600_000);

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
      const { code, output } = run(join(project, 'node_modules/.bin/tsc'), ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2024', '--lib', 'es2024,esnext.disposable,dom', '--types', 'node', '--module', module, '--moduleResolution', resolution, 'use.ts'], project);
      expect(code, `${module}: ${output}`).toBe(0);
    }
  });

  test('it has one undici, the newest of the range (the types of a dispatcher are the same class for it and the packages)', () => {
    expect(undiciCopies(project)).toEqual([expect.stringMatching(/^node_modules: 8\./)]);
    console.log(undiciCopies(project));
  });

  test('the examples of all READMEs compile under strict, exactOptionalPropertyTypes and noUncheckedIndexedAccess, declarations of the packages included', () => {
    expect(EXAMPLES.length).toBeGreaterThanOrEqual(names.length - 1);
    expect(outside.compile().filter((problem) => !THEIR_PROBLEMS.test(problem))).toEqual([]);
  });

  describe.each(NODES)('on Node %s', (version) => {
    let world: ExampleWorld;
    beforeAll(async () => {
      world = await createExampleWorld({ node: nodeOf(version), flags: [], folder: project, vitest: [join(project, 'node_modules/vitest/vitest.mjs')], compile: (block) => outside.compiled(block) });
    });
    afterAll(async () => { await world[Symbol.asyncDispose](); });

    test.each(EXAMPLES.map((block) => [block.where, block] as const))('%s does as printed', async (_where, block) => {
      const printed = await tryExample(world, block);
      for (const text of expectedTexts(block)) expect(printed).toContain(text);
    });
  });

  const penstock = join(project, 'node_modules/.bin/penstock');

  test('the penstock command teaches, completes, and says by its exit code whether it could do as it was told', () => {
    expect(mustRun(penstock, ['--version'], project)).toMatch(/^\d+\.\d+\.\d+/);
    expect(mustRun(penstock, ['--help'], project)).toContain('Begin here:');
    expect(mustRun(penstock, ['completion', 'bash'], project)).toContain('complete -');
    expect(mustRun('npx', ['--no-install', 'penstock', 'check', '--simulate'], project)).toContain('The configuration is sound');
    expect(run(penstock, ['strat'], project)).toMatchObject({ code: 1, output: expect.stringContaining('Did you mean start?') as string });
    expect(run(penstock, ['check', '--config', 'no-such.json'], project)).toMatchObject({ code: 1, output: expect.stringContaining('no such file') as string });
  });

  test('it serves, streams, and ends with 0 on SIGTERM', async () => {
    const child = spawn(penstock, ['start', '--simulate'], { cwd: project, env: scrubbedEnvironment({ PENSTOCK_PORT: '0', PENSTOCK_OPERATIONS_PORT: '0' }), stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
      text += String(chunk);
      if (text.includes('Try it:')) break;
    }
    child.stderr.resume();
    const response = await fetch(`${/ready on (\S+)/.exec(text)?.[1] ?? ''}/anthropic/v1/messages`, {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 64, stream: true, messages: [{ role: 'user', content: 'Say hello' }] }),
    });
    expect(await response.text()).toContain('event: message_stop');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  const hasTerminal = spawnSync('script', ['--version']).status === 0;
  test.skipIf(!hasTerminal).each([['colours on a terminal', {}, true], ['none with NO_COLOR', { NO_COLOR: '1' }, false]])(`it writes %s${hasTerminal ? '' : ' (skipped: there is no script(1) to make a terminal)'}`, async (_what, environment, isColoured) => {
    const { NO_COLOR: _inherited, ...env } = scrubbedEnvironment({ PENSTOCK_PORT: '0', PENSTOCK_OPERATIONS_PORT: '0' });
    // Of the lines of a terminal only those of trouble are coloured; of the pretty ones each is.
    writeFileSync(join(project, 'pretty.json'), JSON.stringify({ log: { format: 'pretty' } }));
    const child = spawn('script', ['-qec', `${penstock} start --simulate --config pretty.json`, '/dev/null'], { cwd: project, env: { ...env, ...environment }, stdio: ['ignore', 'pipe', 'ignore'] });
    const closed = once(child, 'close');
    let text = '';
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
      text += String(chunk);
      if (text.includes('Try it:')) break;
    }
    child.stdout.resume();
    // It passes the signal on to what runs in its terminal.
    child.kill('SIGTERM');
    await closed;
    expect(text.includes('\u001B[')).toBe(isColoured);
  });

  test('nothing that it brings along has an install script', () => {
    expect(Object.entries(readLock(project).packages).filter(([, { dev, hasInstallScript }]) => dev !== true && hasInstallScript === true).map(([path]) => path)).toEqual([]);
  });
});

test.each(packages.filter(({ name }) => name !== '@penstock/gateway'))('$name alone brings only what it declares', ({ name, dependencies }) => {
  const alone = join(scratch.path, `alone-${basename(name)}`);
  mkdirSync(alone);
  // The packages that it imports, and those that they import, come from tarballs, too: this version is not published yet.
  const composed = Object.fromEntries([...composedPackages(name)].map((other) => [other, `file:${tarball(other)}`]));
  writeFileSync(join(alone, 'package.json'), JSON.stringify({ name: 'alone', private: true, type: 'module', dependencies: { [name]: `file:${tarball(name)}`, ...composed }, overrides: composed }));
  install(alone);
  const { packages: installed } = readLock(alone);
  expect(Object.keys(installed[`node_modules/${name}`]?.dependencies ?? {}).toSorted()).toEqual(Object.keys(dependencies).toSorted());
  expect(Object.entries(installed).filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => path)).toEqual([]);
  const { code, output } = run(process.execPath, ['--input-type=module', '-e', `await import('${name}')`], alone);
  expect(code, output).toBe(0);
  console.log(`${name}: ${Object.keys(installed).length - 1} packages, ${(sizeOf(join(alone, 'node_modules')) / 1e6).toFixed(1)} MB`);
});
