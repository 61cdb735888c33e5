// `penstock status` and `penstock top` against a gateway: what they print, how they end, and what they never do to a terminal.
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { describeForTerminal } from '../../../src/commands/status/describe-for-terminal.ts';
import { runStatus } from '../../../src/commands/status/run-status.ts';
import { runTop, type TopKeys } from '../../../src/commands/status/run-top.ts';
import { openStream, startHeldUpstream, type HeldUpstream } from '../../process/open-streams.ts';
import { statusOfRequests } from './made-status.ts';
import { startWatchedGateway, type WatchedGateway, type WatchOptions } from './start-watched-gateway.ts';

const CLIENTS = [{ name: 'mallory', key_sha256: createHash('sha256').update('key-of-mallory').digest('hex') }];
const folder = mkdtempSync(join(tmpdir(), 'penstock-status-'));
let upstream: HeldUpstream;
let gateway: WatchedGateway;

beforeEach(async () => { upstream = await startHeldUpstream(); });
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });
afterEach(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream.close();
});

async function start(options: WatchOptions = {}): Promise<void> {
  gateway = await startWatchedGateway(upstream.origin, { clients: CLIENTS, anthropic_native: { pool: { max_connections: 2 } } }, options);
}

async function hold(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const stream = await openStream(gateway.port, 'key-of-mallory');
    onTestFinished(() => { stream.close(); });
  }
}

async function status(options: { url?: string; json?: boolean; environment?: Record<string, string>; config?: string } = {}): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const code = await runStatus({
    url: options.config === undefined ? options.url ?? gateway.watch : undefined, json: options.json ?? false, columns: 120, environment: options.environment ?? {}, workingDirectory: folder,
    argv: options.config === undefined ? {} : { config: options.config },
  }, { stdout: { write: (text) => { stdout += text; } }, stderr: { write: (text) => { stderr += text; } } });
  return { code, stdout, stderr };
}

describe('penstock status', () => {
  test('a gateway that is well: prints the verdict and is 0', async () => {
    await start();
    const { code, stdout } = await status();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Penstock 0\.0\.0-test, running, up for .* UTC\nAll well\n/);
    expect(stdout).toContain('0 open requests');
  });

  test('a pool that one client holds: names the client, its request and its connections, and is 1', async () => {
    await start();
    await hold(2);
    const { code, stdout } = await status();
    expect(code).toBe(1);
    expect(stdout).toMatch(/^mallory holds 2 of 2 connections to the Anthropic API \(native\), the oldest for .*; 0 wait\.$/m);
    expect(stdout).toMatch(/^native +\[#{20}\] 2 of 2 held \(mallory 2\)$/m);
    expect(stdout.match(/^ +\d+ m?s  mallory +m +relay .* pen_/gm)).toHaveLength(2);
  });

  test('an upstream that is down: is 2, with the failure and its id', async () => {
    gateway = await startWatchedGateway('http://127.0.0.1:9', { clients: CLIENTS });
    await fetch(`${gateway.anthropic}/v1/models`, { headers: { 'x-api-key': 'key-of-mallory' } });
    await gateway.recorded(1);
    const { code, stdout } = await status();
    expect(code).toBe(2);
    expect(stdout).toContain('The Anthropic API (native) cannot be reached since');
    expect(stdout).toMatch(/ago +1× +network +502 +mallory +upstream_unreachable: .* pen_/);
  });

  test('--json prints the document and nothing else', async () => {
    await start();
    const { stdout } = await status({ json: true });
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, verdict: { cause: 'all_well' } });
  });

  test('the listener is found in the configuration, with its token', async () => {
    await start({ token: 'token-of-the-operator' });
    const config = join(folder, 'gateway.json');
    writeFileSync(config, JSON.stringify({ operations: { port: gateway.operations.port, token: 'token-of-the-operator' } }));
    expect(await status({ config })).toMatchObject({ code: 0 });
    expect(await status({ environment: { PENSTOCK_OPERATIONS_TOKEN: 'token-of-the-operator' } })).toMatchObject({ code: 0 });
    const refused = await status();
    expect(refused).toMatchObject({ code: 3, stdout: '' });
    expect(refused.stderr).toContain('set PENSTOCK_OPERATIONS_TOKEN');
  });

  test.each([
    { name: 'no listener', answer: undefined, problem: 'does not answer (ECONNREFUSED)' },
    { name: 'another server', answer: { status: 200, body: '<html>' }, problem: 'answered a document that is no status of version 1' },
    { name: 'a gateway without the page', answer: { status: 404, body: '{}' }, problem: 'has no /status.json' },
    { name: 'a redirect', answer: { status: 302, body: '', location: 'http://127.0.0.1:1/' }, problem: 'does not answer' },
    { name: 'an endless answer', answer: { status: 200, body: 'x'.repeat(5_000_000) }, problem: 'larger than any status' },
    { name: 'a refusal', answer: { status: 403, body: '{"error":{"message":"The live page is closed."}}' }, problem: 'answered 403: The live page is closed.' },
  ])('$name: is 3 with a sentence', async ({ answer, problem }) => {
    await start();
    const server = createServer((_request, response) => { response.writeHead(answer?.status ?? 500, answer?.location === undefined ? {} : { location: answer.location }).end(answer?.body); });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    onTestFinished(() => { server.close(); });
    if (answer === undefined) {
      server.close();
      await once(server, 'close');
    }
    const { code, stdout, stderr } = await status({ url });
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain(problem);
  });
});

/** Steers a terminal in several ways, and is longer than a reason may be. */
const HOSTILE_REASON = `\u001b]52;c;cm0gLXJm\u0007\u009b2J\u202e\r\nAll well\t${'x'.repeat(2_000)}`;

/** A server that first answers as given, then with a refusal. */
async function startHostile(answers: readonly object[]): Promise<string> {
  let count = 0;
  const server = createServer((_request, response) => {
    const answer = answers[count];
    count += 1;
    response.writeHead(answer === undefined ? 503 : 200).end(JSON.stringify(answer ?? { error: { message: HOSTILE_REASON } }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => { server.close(); });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a server whose answers would steer the terminal', () => {
  test('penstock status: its reason is one short line of text', async () => {
    await start();
    const { code, stderr } = await status({ url: await startHostile([]) });
    expect(code).toBe(3);
    expect(stderr.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(stderr).toContain('answered 503: \\u001b]52;c;');
    expect(stderr.endsWith('x…\n')).toBe(true);
    expect(stderr.length).toBeLessThan(700);
  });

  test('penstock status: a reason that is no text is none', async () => {
    await start();
    const server = createServer((_request, response) => { response.writeHead(503).end('{"error":{"message":{"length":9}}}'); });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => { server.close(); });
    expect((await status({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })).stderr).toMatch(/answered 503: no reason\n$/);
  });

  test('penstock status --json: names are escaped, and are the same to a parser', async () => {
    await start();
    const name = 'a\u009b2J\u202eb';
    const { stdout } = await status({ json: true, url: await startHostile([{ ...(await readOwn()), findings: [name] }]) });
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(JSON.parse(stdout)).toMatchObject({ findings: [name] });
  });

  test('penstock top: the reason in its last line is text, and stderr gets text as well', async () => {
    await start();
    const url = await startHostile([await readOwn()]);
    const keys = new Keyboard();
    let text = '';
    const options = { url, intervalMs: 20, keys, hasColours: false, environment: {}, workingDirectory: folder, argv: {} };
    const write = (part: string): void => { text += part; };
    const ended = runTop({ ...options, screen: { isTTY: true, columns: 1_000, rows: 24, write } }, { stderr: { write } });
    await expect.poll(() => text).toContain('answered 503');
    keys.emit('data', 'q');
    await ended;
    expect(await runTop({ ...options, screen: { write } }, { stderr: { write } })).toBe(3);
    for (const part of ['\u001b]52', '\u0007', '\u009b', '\u202e']) expect(text).not.toContain(part);
    expect(text.match(/answered 503: \\u001b\]52;c;\S+ +All well x+…/g)?.length).toBeGreaterThanOrEqual(2);
  });
});

async function readOwn(): Promise<object> {
  return await (await fetch(`${gateway.watch}/status.json`)).json() as object;
}

class Keyboard extends EventEmitter implements TopKeys {
  readonly isTTY = true;
  isRaw = false;
  isReading = false;
  setRawMode(isRaw: boolean): void { this.isRaw = isRaw; }
  resume(): void { this.isReading = true; }
  pause(): void { this.isReading = false; }
}

describe('penstock top', () => {
  function top(keys: TopKeys): { ended: Promise<number>; text: () => string } {
    let text = '';
    const screen = { isTTY: true, columns: 110, rows: 24, write: (part: string) => { text += part; } };
    const ended = runTop({ url: gateway.watch, intervalMs: 20, screen, keys, hasColours: true, environment: {}, workingDirectory: folder, argv: {} }, { stderr: { write: (part) => { text += part; } } });
    return { ended, text: () => text };
  }

  test('draws what changes, takes its keys, and puts the terminal back', async () => {
    await start();
    const keys = new Keyboard();
    const { ended, text } = top(keys);
    await expect.poll(text).toContain('All well');
    expect(keys).toMatchObject({ isRaw: true, isReading: true });
    await hold(2);
    await expect.poll(text).toContain('mallory holds 2 of 2');
    keys.emit('data', 's');
    await expect.poll(text).toContain('sort: bytes');
    keys.emit('data', Buffer.from(' '));
    await expect.poll(text).toContain('space continue');
    keys.emit('data', 'q');
    expect(await ended).toBe(0);
    expect(keys).toMatchObject({ isRaw: false, isReading: false });
    expect(keys.listenerCount('data')).toBe(0);
    expect(text().startsWith('\u001b[?1049h')).toBe(true);
    expect(text().endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
    // No frame is higher or wider than the terminal.
    for (const frame of text().split('\u001b[H').slice(1)) {
      const lines = stripVTControlCharacters(frame).split('\r\n');
      expect(lines.length).toBeLessThanOrEqual(24);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(110);
    }
  });

  test('a gateway that ended: the last frame stays with the reason, until it is quit by Ctrl-C', async () => {
    await start();
    const keys = new Keyboard();
    const { ended, text } = top(keys);
    await expect.poll(text).toContain('All well');
    await gateway.operations.close();
    await expect.poll(text).toContain('does not answer');
    keys.emit('data', '\u0003');
    expect(await ended).toBe(0);
    await start();
  });

  test('without a terminal it prints one frame and ends', async () => {
    await start();
    let text = '';
    const keys = Object.assign(new Keyboard(), { isTTY: false });
    expect(await runTop({ url: gateway.watch, intervalMs: 20, screen: { write: (part) => { text += part; } }, keys, hasColours: false, environment: {}, workingDirectory: folder, argv: {} }, { stderr: { write: () => undefined } })).toBe(0);
    expect(text).toContain('All well');
    expect(text).not.toContain('\u001b');
  });
});

test('a name that would steer the terminal stands as text in every column', async () => {
  await start();
  const hostile = '\u001b[2J\u009b31mred\u202e\r\nnext\ttab';
  const lines = describeForTerminal(statusOfRequests(3, hostile), { columns: 200, hasColours: false });
  expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(lines.filter((line) => line.includes('\\u001b[2J'))).toHaveLength(3);
});

test('a frame of few rows keeps the verdict and shows how many requests it leaves out', async () => {
  await start();
  const lines = describeForTerminal(statusOfRequests(100, 'alice'), { columns: 80, rows: 10, hasColours: false });
  expect(lines).toHaveLength(10);
  expect(lines).toContain('All well');
  expect(lines.at(-1)).toMatch(/^… \d+ more$/);
});
