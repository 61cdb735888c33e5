import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPage, REPOSITORY } from './documented-tests.ts';

interface Component {
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses?: readonly unknown[];
}

interface Bill {
  readonly bomFormat: string;
  readonly components: readonly Component[];
  readonly dependencies: ReadonlyArray<{ readonly ref: string; readonly dependsOn?: readonly string[] }>;
}

/** The pnpm that runs the tests, or one on the path; a test must not download it. */
const PNPM = /pnpm/.test(process.env['npm_execpath'] ?? '') ? process.env['npm_execpath'] : spawnSync('which', ['pnpm'], { encoding: 'utf8' }).stdout.trim();

function makeBill(): Bill {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-sbom-'));
  try {
    const file = join(folder, 'bill.json');
    const made = spawnSync(process.execPath, [join(REPOSITORY, 'scripts/sbom.mjs'), '--out', file], { env: { ...process.env, npm_execpath: PNPM }, encoding: 'utf8' });
    expect([made.status, made.stderr.split('\n').filter((line) => / is missing$| has no /.test(line))]).toEqual([0, []]);
    return JSON.parse(readFileSync(file, 'utf8')) as Bill;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const manifest = JSON.parse(readPage('apps/gateway/package.json')) as { readonly dependencies: Readonly<Record<string, string>> };

test(`the bill of materials lists every runtime dependency, with its licence and its place in the tree${PNPM ? '' : ' (skipped: pnpm is not on the path)'}`, ({ skip }) => {
  if (!PNPM) skip('pnpm is not on the path');
  const bill = makeBill();
  const names = bill.components.map(({ group, name }) => (group === undefined ? name : `${group}/${name}`));
  expect(bill.bomFormat).toBe('CycloneDX');
  expect(Object.keys(manifest.dependencies).filter((name) => !names.includes(name))).toEqual([]);
  // What the packages of the workspace need, and what those need in turn.
  expect(['eventsource-parser', 'undici', 'koa-compose', 'sonic-boom'].filter((name) => !names.includes(name))).toEqual([]);
  // Nothing that only builds or tests.
  expect(names.filter((name) => ['vitest', 'typescript', 'turbo', 'oxlint', 'fast-check', 'openai', '@anthropic-ai/sdk', '@penstock/test-support'].includes(name))).toEqual([]);
  const known = new Set(bill.components.map(({ purl }) => purl));
  expect(bill.dependencies.flatMap(({ dependsOn = [] }) => dependsOn).filter((purl) => !known.has(purl))).toEqual([]);
});

test('the third-party notices are current, and every licence is one that may be shipped', () => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [join(REPOSITORY, 'scripts/third-party-notices.mjs'), '--check'], { encoding: 'utf8' });
  expect(status, stdout + stderr).toBe(0);
});

test('docs/dependencies.md says of every runtime dependency what it is for', () => {
  const page = readPage('docs/dependencies.md');
  const direct = ['apps/gateway', 'packages/openai-front-door', 'packages/sse-relay', 'packages/upstream-client', 'packages/upstream-group', 'packages/upstream-metrics', 'packages/header-policy', 'packages/json-envelope', 'packages/anthropic-simulator']
    .flatMap((folder) => {
      const { dependencies = {}, peerDependencies = {} } = JSON.parse(readPage(`${folder}/package.json`)) as Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;
      return Object.keys({ ...dependencies, ...peerDependencies });
    })
    .filter((name) => !name.startsWith('@penstock/'));
  expect([...new Set(direct)].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('no package but the development Node runs an install script', () => {
  const [, allowed = ''] = /\nallowBuilds:\n((?: {2}.+\n)+)/.exec(readPage('pnpm-workspace.yaml')) ?? [];
  expect(allowed.split('\n').filter((line) => line.endsWith(': true'))).toEqual(['  node: true']);
});

test('undici is the one range of the published packages, and the workspace installs the version of the catalogue for it', () => {
  const [, catalogued] = /\n {2}undici: (.+)\n/.exec(readPage('pnpm-workspace.yaml')) ?? [];
  const folders = ['apps/gateway', ...readdirSync(new URL('../../../../packages/', import.meta.url)).map((name) => `packages/${name}`)];
  const ranges = folders.flatMap((folder) => {
    const { private: isPrivate, dependencies = {} } = JSON.parse(readPage(`${folder}/package.json`)) as { readonly private?: boolean; readonly dependencies?: Readonly<Record<string, string>> };
    return isPrivate === true ? [] : Object.entries(dependencies).filter(([, version]) => !/^(?:catalog:|workspace:\^)$/.test(version)).map(([name, version]) => `${folder}: ${name} ${version}`);
  });
  const users = ranges.map((range) => /^(\S+): undici \^8\.12\.0$/.exec(range)?.[1]);
  expect(users).toEqual(expect.arrayContaining(['packages/sse-relay', 'packages/upstream-client', 'packages/upstream-group']));
  for (const folder of users) expect(JSON.parse(readPage(`${folder}/node_modules/undici/package.json`)), folder).toMatchObject({ version: catalogued });
});

test('every version in the catalogue is exact (a release of a dependency changes nothing here by itself)', () => {
  const [, catalog = ''] = /\ncatalog:\n((?: {2}.+\n)+)/.exec(readPage('pnpm-workspace.yaml')) ?? [];
  const versions = catalog.trim().split('\n').map((line) => line.trim());
  expect(versions.length).toBeGreaterThan(10);
  expect(versions.filter((line) => !/^"?[@\w/.-]+"?: \d+\.\d+\.\d+$/.test(line))).toEqual([]);
});
