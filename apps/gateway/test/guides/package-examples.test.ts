import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeBlocks, guidePages, readmes, ROOT, type CodeBlock } from './code-blocks.ts';
import { createExampleWorld, type ExampleWorld } from './example-world.ts';
import { expectedTexts, isScript, readmeExamples, tryExample, type ExamplePurpose } from './readme-examples.ts';

const ofReadmes = readmeExamples();
const scripts = [...new Set([...readmes(), ...guidePages()])].flatMap(codeBlocks).filter(isScript);
const named = (blocks: readonly CodeBlock[]): (readonly [string, CodeBlock])[] => blocks.map((block) => [block.where, block]);
const marked = (purpose: ExamplePurpose): (readonly [string, CodeBlock])[] => named(ofReadmes.filter((block) => block.purpose === purpose));

let world: ExampleWorld;
beforeAll(async () => { world = await createExampleWorld(); });
afterAll(async () => { await world[Symbol.asyncDispose](); });

describe('the scripts in READMEs', () => {
  test('are TypeScript, and each is run, served, a test or an excerpt (an example that no test runs is wrong before long)', () => {
    expect(ofReadmes.length).toBeGreaterThanOrEqual(9);
    expect(ofReadmes.filter(({ language, purpose }) => language !== 'ts' || !['run', 'serve', 'excerpt', 'test'].includes(purpose)).map(({ where }) => where)).toEqual([]);
    expect(ofReadmes.filter(({ purpose, prints }) => !['excerpt', 'test'].includes(purpose) && prints.length === 0).map(({ where }) => where)).toEqual([]);
  });

  test.each([...marked('run'), ...marked('serve'), ...marked('test')])('%s runs, serves or passes as printed', async (_where, block) => {
    const printed = await tryExample(world, block);
    for (const text of expectedTexts(block)) expect(printed).toContain(text);
  });

  test.each(marked('test'))('%s is a test file of at most 20 lines', (_where, { code }) => {
    expect(code.split('\n').length).toBeLessThanOrEqual(20);
  });

  test.each(marked('excerpt'))('%s stands in the sources beside it, line by line', (where, { code }) => {
    const folder = join(ROOT, dirname(where), 'src');
    const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => readFileSync(join(folder, name), 'utf8'));
    const lines = new Set(sources.flatMap((text) => text.split('\n')).map((line) => line.trim()));
    expect(code.split('\n').filter((line) => !lines.has(line.trim()))).toEqual([]);
  });
});

const services = scripts.filter(({ where, code }) => where.startsWith('docs/embedding.md') && /from '(?:express|fastify|koa)'/.test(code) && code.includes('createProxyHandler'));

test('the proxies in Express, Fastify and Koa are whole services in less than 25 lines each, metrics of the pool included', () => {
  expect(services).toHaveLength(3);
  for (const { where, code } of services) {
    const lines = code.split('\n');
    const own = lines.slice(lines.findIndex((line) => line.startsWith('const upstream')), lines.findIndex((line) => line.startsWith('const { port }'))).filter((line) => line.trim() !== '');
    const imports = lines.filter((line) => line.startsWith('import ') && !/simulator|AddressInfo/.test(line));
    expect(own.join('\n'), where).toContain('/metrics');
    expect(own.length + imports.length, where).toBeLessThan(25);
  }
});

test.each(named(scripts))('%s has no `using` declaration, which Node 22 cannot parse', (_where, { code }) => {
  expect(code).not.toMatch(/^\s*(?:await )?using\s+\w+\s*=/m);
});

test('every TypeScript example of READMEs and guides compiles under the strict options of a careful user', () => {
  mkdirSync(join(ROOT, 'apps/gateway/.turbo'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'apps/gateway/.turbo/compiled-examples-'));
  try {
    const examples = scripts.filter(({ purpose }) => purpose !== 'excerpt');
    const nameOf = ({ where }: CodeBlock): string => `${where.replaceAll(/[^\w.-]+/g, '-')}.ts`;
    for (const example of examples) writeFileSync(join(folder, nameOf(example)), example.code);
    const compilerOptions = {
      strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true,
      target: 'es2024', lib: ['es2024'], types: ['node'], module: 'nodenext', moduleDetection: 'force',
      customConditions: ['@penstock/source'], allowImportingTsExtensions: true, skipLibCheck: true, noEmit: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: examples.map(nameOf) }));
    const { status, stdout } = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8', cwd: folder });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
