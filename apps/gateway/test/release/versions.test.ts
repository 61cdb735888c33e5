import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { scrubbedEnvironment } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readYaml, ROOT } from './deployment.ts';

const folder = mkdtempSync(join(tmpdir(), 'penstock-versions-'));
const PARTS = ['.gitignore', 'package.json', 'pnpm-workspace.yaml', '.changeset', 'scripts', 'deploy/helm', 'deploy/kubernetes', 'deploy/grafana/package.json'];
const manifestsIn = (root: string): string[] => ['packages', 'apps'].flatMap((area) => readdirSync(join(root, area)).map((name) => `${area}/${name}/package.json`)).filter((file) => existsSync(join(root, file)));

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly repository?: { readonly url: string; readonly directory: string };
  readonly dependencies?: Readonly<Record<string, string>>;
}
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
const published = (): (readonly [string, Manifest])[] => manifestsIn(folder).map((file) => [file, JSON.parse(read(file)) as Manifest] as const).filter(([, manifest]) => manifest.private !== true);
const pendingChangesets = (): string[] => readdirSync(join(folder, '.changeset')).filter((name) => name.endsWith('.md') && name !== 'README.md');

function run(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, env: scrubbedEnvironment({ NO_COLOR: '1', ...environment }), encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}

// A copy of what a release reads and writes, with a history of its own.
beforeAll(() => {
  for (const part of [...PARTS, ...manifestsIn(ROOT)]) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  // Whatever waits to be released today, one changeset is there.
  for (const name of pendingChangesets()) rmSync(join(folder, '.changeset', name));
  writeFileSync(join(folder, '.changeset/all.md'), `---\n${published().map(([, { name }]) => `"${name}": patch\n`).join('')}---\n\nChange something\n`);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const args of [['init', '-q', '-b', 'main'], ['add', '.changeset', 'packages', 'apps', 'deploy', 'scripts'], ['-c', 'user.name=test', '-c', 'user.email=test@example.org', 'commit', '-q', '-m', 'start']]) {
    const { code, output } = run('git', args);
    expect(code, output).toBe(0);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a release', () => {
  test('the folder of changesets has its configuration under version control (a rule for a user\'s config.json would leave it out)', () => {
    expect(run('git', ['check-ignore', '.changeset/config.json']).code).toBe(1);
    expect(existsSync(join(folder, '.changeset/config.json'))).toBe(true);
  });

  test('raises what is published to one version, writes changelogs, uses the changesets up, and takes chart and manifests along', () => {
    const before = published().map(([, { version }]) => version);
    const { code, output } = run(process.execPath, ['scripts/raise-versions.mjs']);
    expect(code, output).toBe(0);
    const versions = new Set(published().map(([, { version }]) => version));
    expect(versions.size).toBe(1);
    const [version = ''] = versions;
    expect(before).not.toContain(version);
    for (const [file] of published()) expect(read(file.replace('package.json', 'CHANGELOG.md'))).toContain(`## ${version}\n`);
    expect(pendingChangesets()).toEqual([]);
    expect(read('deploy/helm/penstock/Chart.yaml')).toMatch(new RegExp(`^version: ${version}$[^]*^appVersion: "${version}"$`, 'm'));
    const named = [...read('deploy/kubernetes/penstock.yaml').matchAll(/app\.kubernetes\.io\/version: "([^"]*)"|helm\.sh\/chart: penstock-(\S+)|image: "penstock\/gateway:([^"]*)"/g)].map((match) => match[1] ?? match[2] ?? match[3]);
    expect([named.length > 8, ...new Set(named)]).toEqual([true, version]);
    // Ranges within the workspace stay what they are; they become versions when a package is packed.
    for (const [, { dependencies = {} }] of published()) for (const [name, range] of Object.entries(dependencies)) if (name.startsWith('@penstock/')) expect(range).toBe('workspace:^');
  });

  test('is prepared as a patch that raises versions, which the job with the right to push applies to named files only', () => {
    const copy = mkdtempSync(join(tmpdir(), 'penstock-patch-'));
    try {
      run('git', ['checkout', '-q', '--force', 'HEAD']);
      const before = published().map(([, { version }]) => version);
      const { code, output } = run(process.execPath, ['scripts/prepare-release.mjs', copy], { GITHUB_OUTPUT: join(copy, 'outputs') });
      expect(code, output).toBe(0);
      expect([readFileSync(join(copy, 'outputs'), 'utf8'), readdirSync(copy).toSorted()]).toEqual(['pending=true\n', ['outputs', 'versions.patch']]);
      const includes = [...readFileSync(join(ROOT, '.github/workflows/release.yml'), 'utf8').matchAll(/--include=(\S+)/g)].map(([option]) => option.replaceAll("'", ''));
      run('git', ['reset', '-q', '--hard', 'HEAD']);
      expect(published().map(([, { version }]) => version)).toEqual(before);
      // A file that the patch must not reach.
      writeFileSync(join(copy, 'more.patch'), `${readFileSync(join(copy, 'versions.patch'), 'utf8')}diff --git a/scripts/new.mjs b/scripts/new.mjs\nnew file mode 100644\n--- /dev/null\n+++ b/scripts/new.mjs\n@@ -0,0 +1 @@\n+hostile\n`);
      const applied = run('git', ['apply', '--index', ...includes, join(copy, 'more.patch')]);
      expect(applied.code, applied.output).toBe(0);
      expect([new Set(published().map(([, { version }]) => version)).size, pendingChangesets(), existsSync(join(folder, 'scripts/new.mjs'))]).toEqual([1, [], false]);
      expect(published()[0]?.[1].version).not.toBe(before[0]);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });

  test('names the repository that builds it in every published manifest (a registry refuses provenance without), and refuses to guess', () => {
    expect(run(process.execPath, ['scripts/name-repository.mjs'], { GITHUB_REPOSITORY: '' }).code).toBe(1);
    expect(run(process.execPath, ['scripts/name-repository.mjs'], { GITHUB_REPOSITORY: 'example/penstock', GITHUB_SERVER_URL: 'https://forge.example' }).code).toBe(0);
    for (const [file, { repository }] of published()) expect(repository).toEqual({ type: 'git', url: 'git+https://forge.example/example/penstock.git', directory: file.replace('/package.json', '') });
    expect(JSON.parse(read('apps/bench/package.json'))).not.toHaveProperty('repository');
  });
});

describe('what a newcomer types', () => {
  test('engines are compared with the Node that the project brings (an older one of the machine would be warned about for every package)', () => {
    const { nodeVersion, catalog } = readYaml('pnpm-workspace.yaml') as { nodeVersion: string; catalog: { node: string } };
    expect(nodeVersion).toBe(catalog.node);
  });

  test('a build that fails says why, and nothing is started', () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, ['scripts/build-app.mjs', '@penstock/no-such-app'], {
      cwd: ROOT, encoding: 'utf8', env: scrubbedEnvironment({ PATH: `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env['PATH'] ?? ''}` }),
    });
    expect([status === 0, stdout]).toEqual([false, '']);
    expect(stderr).toContain('@penstock/no-such-app');
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    for (const name of ['start', 'demo', 'penstock']) expect(scripts[name]).toMatch(/^\(node scripts\/build-app\.mjs @penstock\/gateway \|\| sh scripts\/why-node-fails\.sh\) && node apps\/gateway\/dist\/main\.js/);
  });
});
