import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashClientKey } from '../../../src/access/clients/client-key.ts';
import { codeBlocks } from '../../guides/code-blocks.ts';
import { newcomerEnvironment } from './newcomer-environment.ts';
import { createScratchFolder } from './scratch-folder.ts';
import { startInstalled } from './start-installed.ts';
import { buildWorkspace, mustRun, publishedPackages, ROOT, sizeOf } from './workspace.ts';

const scratch = createScratchFolder();
const [makeTarball = '', useTarball = '', makeExecutable = '', useExecutable = '', , makePackages = '', usePackages = ''] = codeBlocks('docs/install.md').filter(({ language }) => language === 'sh').map(({ code }) => code);

/** Debian's qemu-user or qemu-user-static, and its libraries for arm64 (libc6-arm64-cross, libstdc++6-arm64-cross, libatomic1-arm64-cross). */
const EMULATOR = ['qemu-aarch64-static', 'qemu-aarch64'].find((name) => spawnSync('which', [name]).status === 0);
const ARM64_LIBRARIES = '/usr/aarch64-linux-gnu';
const NO_ARM64 = process.env['PENSTOCK_SLOW_BOUNDED'] !== undefined ? ' (skipped: the suite is bounded)'
  : EMULATOR === undefined || !existsSync(join(ARM64_LIBRARIES, 'lib/libatomic.so.1')) ? ' (skipped: there is no qemu-aarch64, or no libatomic1-arm64-cross)'
  : process.arch === 'arm64' ? ' (skipped: this machine runs it itself)' : '';

/** The entries that use what Node 20 does not have: undici 8, SQLite, Zstandard. */
const LOADED_BY_NO_OLD_NODE = [
  'anthropic-simulator', 'anthropic-usage', 'claude-code-gateway', 'claude-code-gateway/store', 'cloud-credentials', 'openai-front-door', 'proxy', 'sse-relay', 'upstream-client', 'upstream-group',
].map((name) => `@penstock/${name}`);

/** The first size in the row of a file, in MB, as docs/install.md states it. */
function statedSize(file: string): number {
  return Number(new RegExp(`^\\| \\[${file}\\]\\(\\S+\\) \\| ([\\d.]+) MB`, 'm').exec(readFileSync(join(ROOT, 'docs/install.md'), 'utf8'))?.[1]);
}

/** Fails where a file has become a tenth larger or smaller than docs/install.md states: measure it again and write it there. */
function expectStatedSize(file: string, bytes: number): void {
  expect(Math.abs(bytes / 1e6 / statedSize(file) - 1), `${file}: ${bytes} bytes`).toBeLessThan(0.1);
}

/** Runs the printed `make` commands. Returns the files that they name. */
function make(block: string): readonly string[] {
  return block.split('\n').map((line) => {
    const [, words = ''] = /^npx -y pnpm@12 make ([\w ]+?) *(?:#.*)?$/.exec(line) ?? [];
    const [, path = '', size = ''] = /^(\S+) \((.*)\)\n$/.exec(mustRun(process.execPath, ['scripts/make.mjs', ...words.split(' ')])) ?? [];
    console.log(`make ${words}: ${path}, ${size}`);
    return join(ROOT, path);
  });
}

beforeAll(() => buildWorkspace(), 600_000);
afterAll(() => scratch.remove(), 600_000);

describe('the tarball, by the commands of docs/install.md', () => {
  let tarball = '';
  beforeAll(() => { [tarball = ''] = make(makeTarball); }, 600_000);

  test('has the size that docs/install.md states', () => {
    expectStatedSize('tarball for npm', statSync(tarball).size);
  });

  test('holds of the gateway the bundled command alone: no type declarations, no source maps, nothing that is not run', () => {
    const programs = mustRun('tar', ['-tzf', tarball]).split('\n').filter((path) => path.startsWith('package/dist/') && !path.endsWith('/'));
    expect(programs).toContain('package/dist/main.js');
    expect(programs.filter((path) => !/^package\/dist\/(?:bundled\/)?[\w-]+\.js$/.test(path))).toEqual([]);
  });

  test.each(['22.22.2', '24.14.1', '26.10.0'])('installs alone into an empty directory, serves, streams and stops on Node %s', async (version) => {
    const folder = join(scratch.path, version);
    const [home, prefix] = [join(folder, 'home'), join(folder, 'prefix')];
    for (const path of [folder, home, prefix]) mkdirSync(path);
    copyFileSync(tarball, join(folder, basename(tarball)));
    const node = dirname(mustRun(process.execPath, ['scripts/node-binary.mjs', version]).trim());
    const environment = newcomerEnvironment(home, { npm_config_prefix: prefix });
    environment['PATH'] = [join(prefix, 'bin'), node, environment['PATH'] ?? ''].join(delimiter);
    const [install = '', start = ''] = useTarball.split('\n');
    // Without a registry and without a cache: the tarball holds everything.
    mustRun('/bin/bash', ['-c', install], folder, { ...environment, npm_config_offline: 'true' });
    expect(mustRun('/bin/bash', ['-c', 'node --version'], folder, environment).trim()).toBe(`v${version}`);

    await using gateway = await startInstalled(start, { cwd: folder, environment });
    expect(gateway.firstAnswer).toContain('event: message_stop');
    expect((await fetch(`${gateway.operations}/page.css`)).status).toBe(200);
    expect(await gateway.stop()).toBe(0);
    expect(mustRun('/bin/bash', ['-c', 'penstock demo'], folder, environment)).toMatch(/All \d+ claims held/);
    console.log(`tarball on Node ${version}: ${(sizeOf(prefix) / 1e6).toFixed(1)} MB installed, ${(gateway.firstAnswerMs / 1000).toFixed(1)} s from start to the first answer`);
  });
});

describe('the packages, by the commands of docs/install.md', () => {
  const names = publishedPackages().map(({ name }) => name).filter((name) => name !== '@penstock/gateway');
  const nodeFolder = (version: string): string => dirname(mustRun(process.execPath, ['scripts/node-binary.mjs', version]).trim());
  let made = '';
  beforeAll(() => { [made = ''] = make(makePackages); }, 600_000);

  /** Installs the packages into an empty project with one version of Node. Returns the folder of the project. */
  const install = (version: string): string => {
    const folder = join(scratch.path, `project-${version}`);
    const home = join(folder, 'home');
    mkdirSync(home, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'outside', private: true, type: 'module' }));
    const environment = newcomerEnvironment(home, {});
    environment['PATH'] = [nodeFolder(version), environment['PATH'] ?? ''].join(delimiter);
    mustRun('/bin/bash', ['-c', usePackages.replace('penstock/dist/packages', made)], folder, environment);
    return folder;
  };
  const run = (folder: string, version: string, program: string): string => mustRun(join(nodeFolder(version), 'node'), ['--input-type=module', '-e', program], folder, newcomerEnvironment(join(folder, 'home'), {}));

  test('have the size that docs/install.md states', () => {
    expectStatedSize('packages', sizeOf(made));
  });

  test.each(['22.22.2', '26.10.0'])('install into an empty project and are imported on Node %s', (version) => {
    const folder = install(version);
    const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { dependencies: Readonly<Record<string, string>> };
    expect(Object.keys(dependencies).toSorted()).toEqual(names.toSorted());
    run(folder, version, names.map((name) => `if (Object.keys(await import('${name}')).length === 0) throw new Error('${name} exports nothing');`).join('\n'));
    if (version !== '22.22.2') return;
    // The same project on a Node that is too old: what cannot be loaded there states the versions it needs, and no error is one of linking.
    const results = JSON.parse(run(folder, '20.20.2', `const results = {};
      for (const name of ${JSON.stringify([...names, '@penstock/claude-code-gateway/store'])}) results[name] = await import(name).then(() => 'loaded', ({ code, message }) => code + ': ' + message);
      console.log(JSON.stringify(results));`)) as Readonly<Record<string, string>>;
    const refused = 'unsupported_node: This package of @penstock needs Node ^22.22.2 || ^24.14.1 || >=26, and this is Node 20.20.2.';
    expect(Object.entries(results).filter(([, result]) => result !== 'loaded' && result !== refused)).toEqual([]);
    expect(Object.keys(results).filter((name) => results[name] === refused).toSorted()).toEqual(LOADED_BY_NO_OLD_NODE);
  });
});

describe.skipIf(process.platform !== 'linux')(`the executable, by the commands of docs/install.md${process.platform === 'linux' ? '' : ' (skipped: it is made on Linux)'}`, () => {
  const folder = join(scratch.path, 'executable');
  let executables: readonly string[] = [];
  const here = (): string => join(folder, `penstock-linux-${process.arch}`);
  const run = (...args: readonly string[]): { status: number | null; output: string } => {
    const { status, stdout, stderr } = spawnSync(here(), args, { cwd: folder, env: {}, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  };

  beforeAll(() => {
    mkdirSync(folder);
    executables = make(makeExecutable);
    for (const path of executables) copyFileSync(path, join(folder, basename(path)));
  }, 600_000);

  test('has the size that docs/install.md states', () => {
    for (const path of executables) expectStatedSize('executable', statSync(path).size);
  });

  test('is made for both machines', () => {
    // The field e_machine of the ELF header (https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html).
    const machines = executables.map((path) => {
      const header = Buffer.alloc(20);
      readSync(openSync(path, 'r'), header, 0, 20, 0);
      return [header.toString('latin1', 1, 4), header.readUInt16LE(18)];
    });
    expect(machines).toEqual(process.arch === 'x64' ? [['ELF', 62], ['ELF', 183]] : [['ELF', 183]]);
  });

  test('runs every command where there is no Node and no variable at all', async () => {
    expect(run('--version')).toMatchObject({ status: 0, output: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string });
    expect(run('check', '--simulate')).toMatchObject({ status: 0, output: expect.stringContaining('The configuration is sound') as string });
    expect(run('keys', 'create', 'alice')).toMatchObject({ status: 0, output: expect.stringContaining('key_sha256') as string });
    expect(run('completion', 'bash')).toMatchObject({ status: 0, output: expect.stringContaining('complete -') as string });
    expect(run('strat')).toMatchObject({ status: 1, output: expect.stringContaining('Did you mean start?') as string });
    expect(run('demo')).toMatchObject({ status: 0, output: expect.stringMatching(/All \d+ claims held/) as string });
    await using gateway = await startInstalled(useExecutable.replace('x64', process.arch), { cwd: folder, environment: {} });
    expect(gateway.firstAnswer).toContain('event: message_stop');
    expect(run('status', '--url', gateway.operations)).toMatchObject({ status: 0, output: expect.stringContaining('All well') as string });
    expect((await fetch(`${gateway.operations}/page.js`)).headers.get('content-type')).toContain('javascript');
    expect(await gateway.stop()).toBe(0);
    console.log(`executable: ${(gateway.firstAnswerMs / 1000).toFixed(1)} s from start to the first answer`);
  });

  test.skipIf(NO_ARM64 !== '')(`for arm64 runs under emulation, and serves${NO_ARM64}`, async () => {
    const emulated = `${EMULATOR} -L ${ARM64_LIBRARIES} ${join(folder, 'penstock-linux-arm64')}`;
    expect(mustRun('/bin/bash', ['-c', `${emulated} --version`], folder)).toMatch(/^\d+\.\d+\.\d+\n$/);
    await using gateway = await startInstalled(`${emulated} start --simulate`, { cwd: folder, environment: { PATH: process.env['PATH'] ?? '' } });
    expect(gateway.firstAnswer).toContain('event: message_stop');
    expect(await gateway.stop()).toBe(0);
    console.log(`executable for arm64, emulated: ${(gateway.firstAnswerMs / 1000).toFixed(1)} s from start to the first answer`);
  });

  test('runs worker processes, threads, SQLite, Redis, traces and the pretty log, which a package loads from files of its own', async () => {
    const key = `pen_${'k'.repeat(43)}`;
    writeFileSync(join(folder, 'everything.json'), JSON.stringify({
      server: { workers: 2 }, log: { format: 'pretty' },
      // Neither is there: both are asked for on demand, and are no reason not to start.
      limits: { store: 'redis://127.0.0.1:1' }, clients: [{ name: 'alice', key_sha256: hashClientKey(key), limits: { requests_per_minute: 1_000 } }],
      identity: {
        sign_in: {
          public_url: 'https://claude.example.com', session_keys: ['0123456789abcdef0123456789abcdef0123456789abcdef'],
          oidc: { issuer: 'http://127.0.0.1:9', client_id: 'penstock', client_secret: 'secret-of-the-client', allowed_email_domains: ['example.com'] },
        },
      },
      state: { store: 'sqlite:state.db' },
    }));
    await using gateway = await startInstalled(`${here()} start --simulate --config everything.json`, {
      cwd: folder, environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, headers: { 'x-api-key': key },
    });
    expect(gateway.firstAnswer).toContain('event: message_stop');
    // Larger than what is translated at once: a thread reads it.
    const answer = await fetch(`${gateway.origin}/v1/chat/completions`, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'claude-haiku-4-5', messages: [{ role: 'user', content: 'x'.repeat(300_000) }] }),
    });
    expect(await answer.json()).toMatchObject({ object: 'chat.completion', choices: [{ finish_reason: 'stop' }] });
    expect(mustRun('ls', [folder])).toContain('state.db');
    expect(await gateway.stop()).toBe(0);
  });
});
