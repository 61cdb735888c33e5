import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const folders = ['packages', 'apps'].flatMap((area) => readdirSync(join(ROOT, area)).map((name) => `${area}/${name}`))
  .filter((folder) => existsSync(join(ROOT, folder, 'package.json')));
const manifests = new Map(folders.map((folder) => [folder, JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest]));
const workspaceDependencies = (dependencies: Manifest['dependencies']): string[] => Object.keys(dependencies ?? {}).filter((name) => name.startsWith('@penstock/')).toSorted();

// A red pin does not mean that the change is forbidden: it means that the shape of the product changed, and that the change was decided.
/** The package that refuses mistyped options. It imports nothing, and every other published package imports it (docs/decisions/0001-star-topology.md). */
const OPTION_NAMES = '@penstock/option-names';

/** The packages that may import leaves, and which (docs/decisions/0001-star-topology.md). A package that is not named here is a leaf and imports none. */
const COMPOSING: Readonly<Record<string, readonly string[]>> = {
  'packages/anthropic-usage': ['@penstock/sse-relay'],
  'packages/proxy': ['@penstock/header-policy', '@penstock/inbound-server', '@penstock/sse-relay', '@penstock/upstream-client'],
  'packages/upstream-group': ['@penstock/upstream-client'],
  'packages/upstream-metrics': ['@penstock/fast-metrics'],
};

const sources = folders.flatMap((folder) => {
  const source = join(ROOT, folder, 'src');
  return existsSync(source) ? readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts')).map((file) => join(source, file)) : [];
});

/** Files that stand in several places, since those must not import each other. */
const COPIES: Readonly<Record<string, readonly string[]>> = {
  'iterations.ts': ['packages/anthropic-usage/src', 'packages/openai-front-door/src/messages-core'],
  'forbidden-networks.ts': ['apps/gateway/src/access/identity', 'packages/claude-code-gateway/src/provider'],
  'encode-frame.ts': ['packages/anthropic-simulator/src/clouds', 'packages/sse-relay/src/frames'],
  'matches-glob.ts': ['apps/gateway/src/access/clients', 'packages/openai-front-door/src/models'],
};

describe('the star with a stem: leaf packages import nothing of ours, named packages compose leaves, apps compose all', () => {
  test('the set of packages and apps is what ARCHITECTURE.md says', () => {
    expect(folders.toSorted()).toEqual([
      'apps/bench', 'apps/example-service', 'apps/gateway',
      'packages/anthropic-simulator', 'packages/anthropic-usage', 'packages/claude-code-gateway', 'packages/cloud-credentials', 'packages/fast-metrics', 'packages/header-policy', 'packages/inbound-server', 'packages/json-envelope', 'packages/openai-front-door', 'packages/option-names', 'packages/proxy', 'packages/sse-relay',
      'packages/test-support', 'packages/upstream-client', 'packages/upstream-group', 'packages/upstream-metrics',
    ]);
  });

  test.each(folders.filter((folder) => folder.startsWith('packages/')))('%s depends on the leaves it may compose, on option-names and on no other package, test support for its tests aside', (folder) => {
    const manifest = manifests.get(folder);
    const refusesOptions = manifest?.private !== true && manifest?.name !== OPTION_NAMES;
    expect(workspaceDependencies(manifest?.dependencies)).toEqual([...COMPOSING[folder] ?? [], ...refusesOptions ? [OPTION_NAMES] : []].toSorted());
    expect(workspaceDependencies(manifest?.devDependencies).filter((name) => name !== '@penstock/test-support')).toEqual([]);
  });

  test('a composing package imports leaves only (no package stands between two others)', () => {
    const leafNames = folders.filter((folder) => folder.startsWith('packages/') && COMPOSING[folder] === undefined).map((folder) => manifests.get(folder)?.name);
    for (const names of Object.values(COMPOSING)) for (const name of names) expect(leafNames).toContain(name);
  });

  test.each(Object.entries(COPIES))('the copies of %s are equal (packages and sides that must not import each other, and a fix must reach each)', (name, places) => {
    const copies = sources.filter((file) => file.endsWith(`/${name}`));
    expect(copies.map((file) => relative(ROOT, file)).toSorted()).toEqual(places.map((place) => `${place}/${name}`).toSorted());
    expect(new Set(copies.map((file) => readFileSync(file, 'utf8'))).size).toBe(1);
  });

  test('the gateway composes all published packages', () => {
    expect(workspaceDependencies(manifests.get('apps/gateway')?.dependencies)).toEqual([
      '@penstock/anthropic-simulator', '@penstock/anthropic-usage', '@penstock/claude-code-gateway', '@penstock/cloud-credentials', '@penstock/fast-metrics', '@penstock/header-policy', '@penstock/inbound-server', '@penstock/json-envelope', '@penstock/openai-front-door',
      OPTION_NAMES, '@penstock/proxy', '@penstock/sse-relay', '@penstock/upstream-client', '@penstock/upstream-group', '@penstock/upstream-metrics',
    ]);
  });

  test('what is published, and under which entry points', () => {
    const published = [...manifests.values()].filter((manifest) => manifest.private !== true);
    expect(Object.fromEntries(published.map(({ name, exports }) => [name, Object.keys(exports ?? {})]))).toEqual({
      '@penstock/anthropic-simulator': ['.', './package.json'],
      '@penstock/anthropic-usage': ['.', './package.json'],
      '@penstock/claude-code-gateway': ['.', './store', './package.json'],
      '@penstock/cloud-credentials': ['.', './package.json'],
      '@penstock/fast-metrics': ['.', './package.json'],
      '@penstock/gateway': ['.', './package.json'],
      '@penstock/header-policy': ['.', './package.json'],
      '@penstock/inbound-server': ['.', './package.json'],
      '@penstock/json-envelope': ['.', './package.json'],
      '@penstock/openai-front-door': ['.', './package.json'],
      '@penstock/option-names': ['.', './supported-node', './package.json'],
      '@penstock/proxy': ['.', './package.json'],
      '@penstock/sse-relay': ['.', './package.json'],
      '@penstock/upstream-client': ['.', './package.json'],
      '@penstock/upstream-group': ['.', './package.json'],
      '@penstock/upstream-metrics': ['.', './package.json'],
    });
  });
});

/** Relative imports of a source file, and the packages it names. */
function importsOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}

/** Every source file and package reachable from one file, as paths from the sources' root or package names. */
function reach(entry: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  for (const specifier of importsOf(entry)) {
    if (specifier.startsWith('.')) reach(resolve(dirname(entry), specifier), seen);
    else seen.add(specifier);
  }
  return seen;
}

describe('the two sides share no import (either can be broken or absent)', () => {
  const source = join(ROOT, 'apps/gateway/src');
  const fromSource = (paths: ReadonlySet<string>): string[] => [...paths].map((path) => (path.startsWith('/') ? relative(source, path) : path));

  test('nothing that the native side reaches is the front door', () => {
    const reached = fromSource(reach(join(source, 'native/create-native-side.ts')));
    expect(reached.length).toBeGreaterThan(20);
    expect(reached.filter((path) => path.startsWith('front-door/') || path === '@penstock/openai-front-door')).toEqual([]);
  });

  test('nothing that the side of a cloud reaches is another side', () => {
    const reached = fromSource(reach(join(source, 'clouds/create-cloud-sides.ts')));
    expect(reached.length).toBeGreaterThan(20);
    expect(reached.filter((path) => path.startsWith('front-door/') || path.startsWith('native/') || path === '@penstock/openai-front-door')).toEqual([]);
  });

  test('only an import at run time leads to the sides of clouds (what is off is not loaded)', () => {
    const files = sources.filter((file) => file.startsWith(`${source}/`) && !file.startsWith(join(source, 'clouds/')));
    const lines = files.flatMap((file) => readFileSync(file, 'utf8').split('\n').filter((line) => line.includes("/clouds/")));
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.filter((line) => line.startsWith('import ') && !line.startsWith('import type '))).toEqual([]);
  });

  test('nothing that the native side or the front door reaches is the side of a cloud', () => {
    for (const entry of ['native/create-native-side.ts', 'front-door/create-front-door-side.ts']) {
      expect(fromSource(reach(join(source, entry))).filter((path) => path.startsWith('clouds/'))).toEqual([]);
    }
  });

  test('the native side relays through @penstock/proxy alone (what is sold is what runs)', () => {
    const native = sources.filter((file) => file.startsWith(join(source, 'native/')));
    expect(native.filter((file) => /createRelayHandler|\.dispatch\(/.test(readFileSync(file, 'utf8')))).toEqual([]);
    expect(native.filter((file) => readFileSync(file, 'utf8').includes('new UpstreamExchange('))).toEqual([join(source, 'native/forward.ts')]);
  });

  test('nothing that the front door reaches is the native side', () => {
    const reached = fromSource(reach(join(source, 'front-door/create-front-door-side.ts')));
    expect(reached.length).toBeGreaterThan(10);
    expect(reached.filter((path) => path.startsWith('native/') || path === '@penstock/sse-relay' || path === '@penstock/json-envelope')).toEqual([]);
  });
});

/** The relative imports of every source file, as paths from the root. */
const importsByFile = new Map(sources.map((file) => [relative(ROOT, file), importsOf(file).filter((specifier) => specifier.startsWith('.')).map((specifier) => relative(ROOT, resolve(dirname(file), specifier)))]));

/** Rooms of the gateway that know neither of its sides. */
const NEUTRAL_ROOMS: readonly string[] = ['http', 'request', 'body', 'access', 'observe', 'pipe', 'config', 'cost', 'ledger', 'state', 'sign-in', 'process'];

/** The files of each group that import each other in a circle, types included (Tarjan's strongly connected components). */
function importCycles(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const cycles: string[][] = [];
  const lower = (file: string, to: number): void => { lowest.set(file, Math.min(lowest.get(file) ?? to, to)); };
  const visit = (file: string): void => {
    const place = order.size;
    order.set(file, place);
    lower(file, place);
    open.push(file);
    for (const imported of graph.get(file) ?? []) {
      if (!order.has(imported)) {
        visit(imported);
        lower(file, lowest.get(imported) ?? place);
      } else if (open.includes(imported)) {
        lower(file, order.get(imported) ?? place);
      }
    }
    if (lowest.get(file) !== place) return;
    const group = open.splice(open.indexOf(file));
    if (group.length > 1 || graph.get(file)?.includes(file) === true) cycles.push(group.toSorted());
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return cycles;
}

describe('arrows between files', () => {
  test('no file of any package or app is in an import cycle, type-only imports included', () => {
    expect(importsByFile.size).toBeGreaterThan(400);
    expect(importCycles(importsByFile)).toEqual([]);
  });

  test('no source file imports another package by a relative path (only the package name resolves once installed)', () => {
    const leaving = [...importsByFile].filter(([file, imported]) => imported.some((target) => target.split('/').slice(0, 2).join('/') !== file.split('/').slice(0, 2).join('/')));
    expect(leaving.map(([file]) => file)).toEqual([]);
  });

  test('a cycle is found through any number of files, and a file that two others import is none', () => {
    expect(importCycles(new Map([['a', ['b', 'd']], ['b', ['c']], ['c', ['a', 'd']], ['d', []], ['e', ['e', 'd']]]))).toEqual([['a', 'b', 'c'], ['e']]);
  });

  test(`no neutral room of the gateway (${NEUTRAL_ROOMS.join(', ')}) imports a side`, () => {
    const roomOf = (path: string): string | undefined => /^apps\/gateway\/src\/([\w-]+)\//.exec(path)?.[1];
    const fromNeutral = [...importsByFile].filter(([file]) => NEUTRAL_ROOMS.includes(roomOf(file) ?? ''));
    expect(new Set(fromNeutral.map(([file]) => roomOf(file)))).toEqual(new Set(NEUTRAL_ROOMS));
    expect(fromNeutral.flatMap(([file, imports]) => imports.filter((path) => ['native', 'front-door', 'clouds'].includes(roomOf(path) ?? '')).map((path) => `${file} -> ${path}`))).toEqual([]);
  });
});

/** Files that a person or a tool names, not another file. */
const ENTRY_POINTS: readonly string[] = ['/src/index.ts', '/src/main.ts', '/src/executable.ts', '/src/store/index.ts', 'grafana/src/generate-dashboards.ts', 'test-support/src/follow-fake-time.ts'];

function linesOf(file: string): number {
  return readFileSync(file, 'utf8').split('\n').length - 1;
}

describe('size: a file is a room one can know', () => {
  test('no source file is longer than 300 lines', () => {
    const long = sources.map((file) => [relative(ROOT, file), linesOf(file)] as const).filter(([, lines]) => lines > 300);
    expect(long).toEqual([]);
  });

  test('no source file has fewer than 10 lines, entry points aside (it stands with its user instead)', () => {
    const short = sources.filter((file) => linesOf(file) < 10).map((file) => relative(ROOT, file));
    expect(short.filter((file) => !ENTRY_POINTS.some((name) => file.endsWith(name)))).toEqual([]);
  });

  test('no source file is named after nothing', () => {
    expect(sources.filter((file) => /(?:^|\/)(?:utils|helpers|common|services|types)(?:\.ts|\/)/.test(relative(ROOT, file)))).toEqual([]);
  });
});
