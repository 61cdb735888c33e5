// What clients, upstreams, files and arguments could do to a terminal that shows logs and messages.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { answerAlways, scrubbedEnvironment, startScriptedUpstream, statusOf, wholeResponse } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../../src/observe/log/create-logger.ts';
import { printable, printableJson } from '../../../src/observe/log/printable.ts';
import { ask, JSON_TYPE } from '../../field-reports/native-request.ts';
import { runToEnd } from '../../run-penstock.ts';
import { startTestGateway } from '../../start-test-gateway.ts';

/** A terminal's sequences, in both of their forms, a line break of Unicode, and text that turns its direction. */
const HOSTILE = '\u001b[31m\u009b31mRED\u009d0;title\u009c\u007f\u2028\u202eevil\u2066';
const STEERS = /(?![\t\n])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

let folder: string;
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'penstock-printable-')); });
afterAll(() => rmSync(folder, { recursive: true }));

describe('a text for people', () => {
  test('has no character that steers a terminal, and keeps its lines and every other character', () => {
    expect(printable(`a\tb\n${HOSTILE}é日本😀`)).toBe('a\tb\n\\u001b[31m\\u009b31mRED\\u009d0;title\\u009c\\u007f\\u2028\\u202eevil\\u2066é日本😀');
    expect(printable(String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code))).replaceAll('\n', '').replaceAll('\t', '')).not.toMatch(STEERS);
  });

  test('in JSON is the same JSON to a parser', () => {
    const json = printableJson(JSON.stringify({ [HOSTILE]: HOSTILE }));
    expect(json).not.toMatch(STEERS);
    expect(JSON.parse(json)).toEqual({ [HOSTILE]: HOSTILE });
  });
});

describe('the log', () => {
  test('in JSON has no character that steers a terminal', async () => {
    const path = join(folder, 'log');
    const log = createLogger({ level: 'info', destination: path, format: 'json' }, 'json', (error) => { throw new Error('the log failed', { cause: error }); });
    log.logger.info({ reason: HOSTILE, nested: { value: [HOSTILE] } }, 'entry');
    await log.flush();
    const text = readFileSync(path, 'utf8');
    expect(text.replace(/\n$/, '')).not.toMatch(STEERS);
    expect(JSON.parse(text)).toMatchObject({ reason: HOSTILE, nested: { value: [HOSTILE] } });
  });

  test.each([['line', 'text'], ['line', 'coloured'], ['pretty', 'text'], ['pretty', 'coloured']])('as %s, %s, has none but its own colours', (format, style) => {
    const program = `import { createLogger } from ${JSON.stringify(resolve(import.meta.dirname, '../../../src/observe/log/create-logger.ts'))};
      const log = createLogger({ level: 'info', destination: 'stdout', format: '${format}' }, '${style}', () => process.exit(1));
      log.logger.info({ reason: ${JSON.stringify(HOSTILE)}, nested: { value: ${JSON.stringify(HOSTILE)} } }, 'entry');
      await log.flush();`;
    const { stdout, status } = spawnSync(process.execPath, ['--conditions=@penstock/source', '--input-type=module', '-e', program], { encoding: 'utf8', env: scrubbedEnvironment() });
    expect([status, stdout.includes('RED')]).toEqual([0, true]);
    const escape = '\u001b';
    expect(stdout.replaceAll(new RegExp(`${escape}\\[\\d+m`, 'g'), '').replaceAll('\n', '')).not.toMatch(STEERS);
    expect(stdout).not.toContain('\u001b[31m');
  });
});

test.each([
  ['terminal codes', '\x9b31mRED\x9d0;title\x9c'], ['more than an id is long', 'y'.repeat(9_000)], ['a line', 'x{"level":"fatal"}'], ['letters of Latin-1', 'caf\xe9'],
])('an id or a model of an upstream with %s is in no log entry', async (_name, text) => {
  const body = (model: string): string => JSON.stringify({ type: 'message', model, usage: { input_tokens: 1, output_tokens: 1 } });
  await using upstream = await startScriptedUpstream(answerAlways(() => wholeResponse(200, ['content-type', 'application/json', 'request-id', text], Buffer.from(body(text), 'latin1'))));
  await using gateway = await startTestGateway(upstream.origin);
  expect(statusOf(await ask(gateway.port, { fields: JSON_TYPE, body: '{"model":"claude-x","max_tokens":1,"messages":[]}' }))).toBe(200);
  const [entry] = await gateway.recorded(1);
  expect(entry?.['upstream_request_id']).toBeUndefined();
  expect(JSON.stringify(entry).length).toBeLessThan(1_000);
  expect(JSON.stringify(gateway.logged)).not.toMatch(/RED|yyyy|fatal|caf/);
});

test('an id and a model of an upstream that are plain are in the log entry', async () => {
  await using upstream = await startScriptedUpstream(answerAlways(() => wholeResponse(
    200, ['content-type', 'application/json', 'request-id', 'req_011CSHoEeqs5C35K2UUqR7Fy'], JSON.stringify({ type: 'message', model: 'anthropic/claude-x[1m]', usage: { input_tokens: 1, output_tokens: 1 } }),
  )));
  await using gateway = await startTestGateway(upstream.origin);
  await ask(gateway.port, { fields: JSON_TYPE, body: '{"model":"claude-x","max_tokens":1,"messages":[]}' });
  expect((await gateway.recorded(1))[0]).toMatchObject({ upstream_request_id: 'req_011CSHoEeqs5C35K2UUqR7Fy', model: 'anthropic/claude-x[1m]' });
});

test.each([
  ['a value', { server: { host: HOSTILE } }], ['a key', { [HOSTILE]: 1 }], ['a client', { clients: [{ name: HOSTILE, key_sha256: HOSTILE }] }], ['a valid value', { $schema: HOSTILE }], ['a path', { log: { destination: `/nowhere/${HOSTILE}` } }],
])('penstock check: output that quotes %s from the file contains no terminal control codes', async (_name, document) => {
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify(document));
  const { stdout, stderr } = await runToEnd(['check', '--simulate', '--config', file]);
  expect(stderr.length).toBeGreaterThan(10);
  expect((stdout + stderr).replaceAll('\n', '')).not.toMatch(STEERS);
});

test.each([[['check', '--config', `/nowhere/${HOSTILE}`]], [['start', '--port', HOSTILE]], [[`--${HOSTILE}`]], [[HOSTILE]], [['keys', 'create', HOSTILE]], [['completion', HOSTILE]]])(
  'what penstock prints of its arguments cannot steer the terminal: %j', async (args) => {
    const { stdout, stderr, code } = await runToEnd(args);
    expect(code).not.toBe(0);
    expect(stderr).toContain('RED');
    expect((stdout + stderr).replaceAll('\n', '')).not.toMatch(STEERS);
  },
);
