import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { CONTENDER_NAMES } from '../src/contenders/all-contenders.ts';
import { readFlags } from '../src/read-flags.ts';
import { SCENARIOS } from '../src/scenarios/all-scenarios.ts';
import { WORKLOADS } from '../src/workloads/all-workloads.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const NAMES = { runs: [...WORKLOADS, ...SCENARIOS].map(({ name }) => name), contenders: CONTENDER_NAMES };
const DOCUMENTS = globSync(['*.md', 'docs/*.md', 'docs/decisions/*.md', 'docs/guides/*.md', 'apps/*/README.md', 'packages/*/README.md', 'deploy/*/README.md'], { cwd: ROOT });
/** Commands of pnpm itself, and what a script of the workspace hands on to a package. */
const OF_PNPM = new Set(['install', 'audit', 'exec', 'update', 'run', '-r', '-w', '--version']);

interface Command {
  readonly place: string;
  readonly words: readonly string[];
}

/** What stands behind `npx -y pnpm@12` in code, on the line of a block or between backticks; and the flags of the benchmark that stand alone. */
function commandsIn(document: string): Command[] {
  return readFileSync(join(ROOT, document), 'utf8').split('\n').flatMap((line, index) => {
    const place = `${document}:${index + 1}`;
    const whole = [...line.matchAll(/npx -y pnpm@12 ([^`#|&;]+)/g)].map(([, text = '']) => text);
    const alone = document === 'docs/benchmark.md' ? [...line.matchAll(/`(--only [^`]+)`/g)].map(([, text = '']) => `bench ${text}`) : [];
    return [...whole, ...alone].map((text) => ({ place, words: text.trim().split(/\s+/).filter((word) => word !== '…') })).filter(({ words }) => words.length > 0 && words[0] !== '');
  });
}

const scriptsOf = (folder: string): Readonly<Record<string, string>> => (JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as { scripts?: Record<string, string> }).scripts ?? {};

/** The folder of a package by its name. */
function folderOf(name: string): string | undefined {
  return globSync(['apps/*/package.json', 'packages/*/package.json', 'deploy/*/package.json'], { cwd: ROOT })
    .find((file) => (JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as { name: string }).name === name)?.replace(/\/package\.json$/, '');
}

function problemOf(words: readonly string[], scripts = scriptsOf('.')): string | undefined {
  const [first = '', ...rest] = words;
  if (first === '--filter') {
    const folder = folderOf(rest[0] ?? '');
    if (folder === undefined) return `there is no package ${rest[0]}`;
    const files = rest.filter((word) => word.endsWith('.test.ts')).filter((file) => !existsSync(join(ROOT, folder, file)));
    return files.length > 0 ? `there is no ${files.join(', ')}` : problemOf(rest.slice(1), scriptsOf(folder));
  }
  if (first === '-w' || first === 'run') return problemOf(rest, scripts);
  if (first === 'bench') {
    const read = readFlags(rest, NAMES);
    return 'flags' in read || read.exitCode === 0 ? undefined : read.text.split('\n')[0];
  }
  return OF_PNPM.has(first) || Object.hasOwn(scripts, first) ? undefined : `there is no script ${first}`;
}

test('the documents print commands of the workspace and of the benchmark', () => {
  const all = DOCUMENTS.flatMap(commandsIn);
  expect(all.length).toBeGreaterThan(60);
  expect(all.filter(({ words }) => words[0] === 'bench').length).toBeGreaterThan(30);
});

test('every command that a document prints exists, with the flags and names that it prints', () => {
  expect(DOCUMENTS.flatMap(commandsIn).flatMap(({ place, words }) => {
    const problem = problemOf(words);
    return problem === undefined ? [] : [`${place}: ${words.join(' ')}: ${problem}`];
  })).toEqual([]);
});
