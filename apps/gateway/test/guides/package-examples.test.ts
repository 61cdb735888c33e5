import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeBlocks, guidePages, readmes, ROOT, type CodeBlock } from './code-blocks.ts';
import { createExampleWorld, type ExampleWorld, type Question } from './example-world.ts';

const SCRIPTS = new Set(['js', 'javascript', 'mjs', 'ts', 'typescript']);
const scripts = [...new Set([...readmes(), ...guidePages()])].flatMap(codeBlocks).filter(({ language }) => SCRIPTS.has(language));
const ofReadmes = scripts.filter(({ where }) => !where.startsWith('docs/'));
const named = (blocks: readonly CodeBlock[]): (readonly [string, CodeBlock])[] => blocks.map((block) => [block.where, block]);
const marked = (purpose: string): (readonly [string, CodeBlock])[] => named(ofReadmes.filter((block) => block.purpose === purpose));

const post = (path: string, body: unknown): Question => (origin) => fetch(origin + path, {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal: AbortSignal.timeout(60_000),
});
const MESSAGE = { model: 'claude-haiku-4-5', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] };

/** What is asked of the example that serves, by package. */
const QUESTIONS: Readonly<Record<string, Question>> = {
  'claude-code-gateway': (origin) => fetch(`${origin}/.well-known/oauth-authorization-server`, { signal: AbortSignal.timeout(60_000) }),
  'inbound-server': (origin) => fetch(origin, { signal: AbortSignal.timeout(60_000) }),
  'json-envelope': post('/', MESSAGE),
  'openai-front-door': post('/v1/chat/completions', MESSAGE),
  proxy: post('/v1/messages', { ...MESSAGE, stream: true }),
  'sse-relay': post('/', { ...MESSAGE, stream: true }),
  'upstream-metrics': (origin) => fetch(`${origin}/metrics`, { signal: AbortSignal.timeout(60_000) }),
};

let world: ExampleWorld;
beforeAll(async () => { world = await createExampleWorld(); });
afterAll(async () => { await world[Symbol.asyncDispose](); });

describe('the scripts in READMEs', () => {
  test('are TypeScript, and each is run, served, a test or an excerpt (an example that no test runs is wrong before long)', () => {
    expect(ofReadmes.length).toBeGreaterThanOrEqual(9);
    expect(ofReadmes.filter(({ language, purpose }) => language !== 'ts' || !['run', 'serve', 'excerpt', 'test'].includes(purpose)).map(({ where }) => where)).toEqual([]);
    expect(ofReadmes.filter(({ purpose, prints }) => !['excerpt', 'test'].includes(purpose) && prints.length === 0).map(({ where }) => where)).toEqual([]);
  });

  test.each(marked('run'))('%s runs as printed', async (_where, block) => {
    const printed = await world.run(block);
    for (const text of block.prints) expect(printed).toContain(text);
  });

  test.each(marked('test'))('%s passes as printed, in at most 20 lines', async (_where, block) => {
    expect(block.code.split('\n').length).toBeLessThanOrEqual(20);
    expect(await world.runTest(block)).toMatch(/Tests {2}1 passed/);
  });

  test.each(marked('serve'))('%s serves as printed', async (where, block) => {
    const question = QUESTIONS[basename(dirname(where))];
    if (question === undefined) throw new Error(`${where}: QUESTIONS has no question for this example`);
    const answer = await world.serve(block, question);
    expect(answer).toMatch(/^200 /);
    for (const text of block.prints) expect(answer).toContain(text);
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
