import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readmeExamples } from '../../guides/readme-examples.ts';
import type { CodeBlock } from '../../guides/code-blocks.ts';
import { mustRun, publishedPackages, ROOT, run } from './workspace.ts';

/** Programs of a project that uses the packages, in the versions of the catalog; the packages themselves do not bring them. */
const TOOLS = ['@anthropic-ai/sdk', '@smithy/signature-v4', '@types/express', '@types/koa', '@types/node', 'express', 'fastify', 'koa', 'prom-client', 'typescript', 'vitest'];
/** Its own undici: the newest 8, whatever the lockfile of this repository has. */
const UNDICI = '8';

/** The options of a careful user. Declarations of the packages are checked as well: `skipLibCheck` is off. */
const COMPILER_OPTIONS = {
  strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false,
  target: 'es2024', lib: ['es2024', 'esnext.disposable'], types: ['node'], module: 'nodenext', moduleDetection: 'force', rootDir: 'src', outDir: 'out',
};

/** The scripts in READMEs, those aside that stand for a part of a source file. */
export const EXAMPLES: readonly CodeBlock[] = readmeExamples().filter(({ purpose }) => purpose !== 'excerpt');

const nameOf = ({ where }: CodeBlock): string => where.replaceAll(/[^\w-]+/g, '-');

/** A project outside the workspace: npm, TypeScript, the packed packages, and the examples of their READMEs as its sources. */
export interface OutsideProject {
  readonly folder: string;
  /** Compiles the examples. Returns the problems that the compiler found, declarations of all dependencies included. */
  compile(): readonly string[];
  /** The JavaScript that the compiler made of an example. */
  compiled(block: CodeBlock): string;
}

/** Writes such a project into a folder and installs it. `tarballs` gives the file of each published package. */
export function createOutsideProject(folder: string, tarballs: ReadonlyMap<string, string>): OutsideProject {
  const dependencies = Object.fromEntries([...tarballs].map(([name, file]) => [name, `file:${file}`]));
  mkdirSync(join(folder, 'src'), { recursive: true });
  // Among each other the packages come from the same tarballs: this version is not published yet.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({
    name: 'outside', private: true, type: 'module', dependencies: { ...optionalPeers(), ...dependencies, undici: UNDICI }, overrides: dependencies, devDependencies: catalogVersions(TOOLS),
  }));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER_OPTIONS, include: ['src'] }));
  for (const block of EXAMPLES) writeFileSync(join(folder, 'src', `${nameOf(block)}.ts`), block.code);
  mustRun('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], folder);
  return {
    folder,
    compile: () => run(process.execPath, [join(folder, 'node_modules/typescript/bin/tsc'), '-p', folder, '--pretty', 'false'], folder).output.split('\n').filter((line) => line.trim() !== ''),
    compiled: (block) => readFileSync(join(folder, 'out', `${nameOf(block)}.js`), 'utf8'),
  };
}

/** Libraries that a package loads on demand, which its README has the user install: npm brings no optional peer. */
function optionalPeers(): Readonly<Record<string, string>> {
  return Object.fromEntries(publishedPackages().flatMap(({ folder }) => {
    const { peerDependencies = {}, peerDependenciesMeta = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PeerManifest;
    return Object.entries(peerDependencies).filter(([name]) => peerDependenciesMeta[name]?.optional === true);
  }));
}

interface PeerManifest {
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean } | undefined>>;
}

function catalogVersions(names: readonly string[]): Readonly<Record<string, string>> {
  const workspace = readFileSync(join(ROOT, 'pnpm-workspace.yaml'), 'utf8');
  return Object.fromEntries(names.map((name) => {
    const version = workspace.split('\n').map((line) => /^ {2}"?([^":]+)"?: (\S+)$/.exec(line)).find((match) => match?.[1] === name)?.[2];
    if (version === undefined) throw new Error(`the catalog has no ${name}`);
    return [name, version];
  }));
}

/** The path of a supported version of Node, fetched once. */
export function nodeOf(version: string): string {
  return version === process.versions.node ? process.execPath : mustRun(process.execPath, ['scripts/node-binary.mjs', version]).trim();
}

/** The versions of undici that are installed below a project, one for each copy. */
export function undiciCopies(folder: string): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as { packages: Readonly<Record<string, { readonly version?: string }>> };
  return Object.entries(packages).filter(([path]) => path.endsWith('node_modules/undici')).map(([path, { version }]) => `${dirname(path)}: ${version}`);
}
