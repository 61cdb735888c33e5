import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PACKAGE_FILES } from '../../src/process/package-files.ts';
import { runPenstock } from '../run-penstock.ts';

const GATEWAY = resolve(import.meta.dirname, '../..');
const ROOT = resolve(GATEWAY, '../..');
/** A tenth above what a start without a file loads: 58 files, 2.9 MB. What needs more is named here. */
const [MAX_FILES, MAX_BYTES] = [64, 3_200_000];

const folder = mkdtempSync(join(tmpdir(), 'penstock-bundled-'));
const main = join(folder, 'dist/main.js');

// What the image and the tarball hold of the package: its files, the bundled programs, and the libraries beside them.
beforeAll(() => {
  for (const name of PACKAGE_FILES) cpSync(join(GATEWAY, name), join(folder, name), { recursive: true });
  symlinkSync(join(GATEWAY, 'node_modules'), join(folder, 'node_modules'));
  mkdirSync(join(folder, 'dist'));
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/make/command.mjs'), folder], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a start reads few files and few bytes (each process holds the text of all for months, and reads them before it is ready)', async () => {
  const list = join(folder, 'loaded.txt');
  const note = `import { registerHooks } from 'node:module'; import { appendFileSync } from 'node:fs';
    registerHooks({ load(url, context, next) { if (url.startsWith('file:')) appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context); } });`;
  const penstock = await runPenstock({
    main, document: { anthropic_native: { base_url: 'http://127.0.0.1:1', api_key: 'sk-ant-api03-unused' } }, flags: [],
    environment: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(note)}` },
  });
  penstock.child.kill('SIGTERM');
  expect(await penstock.exited).toBe(0);
  const files = [...new Set(readFileSync(list, 'utf8').trim().split('\n'))];
  const bytes = files.reduce((sum, url) => sum + readFileSync(new URL(url)).length, 0);
  expect(files.filter((url) => !url.startsWith(new URL(`file://${folder}/dist/`).href))).toEqual([]);
  expect(files.length).toBeGreaterThan(20);
  expect(files.length).toBeLessThan(MAX_FILES);
  expect(bytes).toBeLessThan(MAX_BYTES);
});

test('its files hold no character for which V8 would hold their text at twice its size', () => {
  const files = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
  expect(files.length).toBeGreaterThan(50);
  // eslint-disable-next-line no-control-regex -- the range of ASCII
  expect(files.filter((name) => /[^\0-\x7f]/.test(readFileSync(join(folder, 'dist', name), 'utf8')))).toEqual([]);
});

test('a program in ASCII is the same program: strings, templates, regular expressions and names', () => {
  const source = "const naïve = '–😀'; [naïve, `ü${naïve}…`, /^[–…]+$/.test('–…'), /^[😀é]$/u.test('😀'), '😀'.replace(/😀/, 'ß'), /[\\–]/.test('–'), '\\\\–']";
  const program = `import { inAscii } from './scripts/make/bundle.mjs'; const source = ${JSON.stringify(source)}; const text = inAscii(source);
    process.stdout.write(JSON.stringify([/^[\\0-\\x7f]*$/.test(text), (0, eval)('{' + source + '}'), (0, eval)('{' + text + '}')]));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT, encoding: 'utf8' });
  expect(stderr).toBe('');
  const value = ['–😀', 'ü–😀…', true, true, 'ß', true, '\\–'];
  expect(JSON.parse(stdout)).toEqual([true, value, value]);
});

test('workers, threads, SQLite and what is loaded on demand run from the bundle', async () => {
  const penstock = await runPenstock({
    main,
    document: {
      // Redis is not there: it is asked for on demand, and is no reason not to start.
      server: { workers: 2 }, log: { format: 'pretty' }, limits: { store: 'redis://127.0.0.1:1' }, state: { store: 'sqlite:state.db' },
    },
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
  });
  try {
    // Larger than what is translated at once: a thread reads it.
    const answer = await fetch(`${penstock.origin}/v1/chat/completions`, {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'claude-haiku-4-5', messages: [{ role: 'user', content: 'x'.repeat(300_000) }] }),
    });
    expect(await answer.json()).toMatchObject({ object: 'chat.completion', choices: [{ finish_reason: 'stop' }] });
    expect((await fetch(`${penstock.operations}/page.css`)).headers.get('content-type')).toContain('css');
    expect(readdirSync(`/proc/${penstock.child.pid}/cwd`)).toContain('state.db');
    penstock.child.kill('SIGTERM');
    expect(await penstock.exited).toBe(0);
  } finally {
    await penstock[Symbol.asyncDispose]();
  }
});

test('an old Node is told what is needed, before anything of the program is loaded', () => {
  expect(existsSync(main)).toBe(true);
  // Only what needs nothing new is loaded at once.
  const imports = [...readFileSync(main, 'utf8').matchAll(/^import .* from "(.*)";$/gm)].map(([, path = '']) => path);
  expect(imports).toEqual([expect.stringMatching(/^\.\/bundled\/skip-unused-exports-/)]);
});
