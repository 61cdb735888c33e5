import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, readSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogSink } from '../../../src/observe/log/log-sink.ts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'penstock-log-')); });
afterEach(() => { rmSync(folder, { recursive: true, force: true }); });

/** A busy disk takes seconds for a write; only the tests of a destination that takes none keep the default wait for the last one. */
const PATIENT = { lastFlushMs: 60_000 };
const WRITES = { minWrite: 100, maxWrite: 200 };
const fail = (error: unknown): void => { throw new Error('must not fail', { cause: error }); };
const lines = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `{"line":${from + index},"text":"äöü ${'x'.repeat(index % 300)}"}\n`);

/** A pipe with both ends in this process, so that a test decides when it is read. */
function openPipe(flags: number): { descriptor: number; read: () => string; close: () => void } {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const descriptor = openSync(path, constants.O_RDWR | flags);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const chunk = Buffer.alloc(65_536);
  return {
    descriptor,
    read: () => {
      try {
        return chunk.subarray(0, readSync(reader, chunk)).toString('latin1');
      } catch {
        return '';
      }
    },
    close: () => {
      closeSync(descriptor);
      closeSync(reader);
    },
  };
}

test('writes every line, whole and in order, and makes the folders of its file', async () => {
  const path = join(folder, 'a/b/penstock.log');
  const sink = new LogSink({ destination: path, ...PATIENT, ...WRITES, onFailure: fail });
  const written = lines(500);
  for (const line of written) sink.write(line);
  expect(await sink.end()).toBe(true);
  expect(readFileSync(path, 'utf8')).toBe(written.join(''));
});

test('lines that come while others are on their way do not get among them (what was written from is used again)', async () => {
  const path = join(folder, 'penstock.log');
  const sink = new LogSink({ destination: path, ...PATIENT, ...WRITES, onFailure: fail });
  const written = lines(3_000);
  for (const [index, line] of written.entries()) {
    sink.write(line);
    if (index % 3 === 0) await setImmediate();
  }
  expect(await sink.end()).toBe(true);
  expect(readFileSync(path, 'utf8')).toBe(written.join(''));
});

test('a line is written without being asked for, when few come', async () => {
  const path = join(folder, 'penstock.log');
  const sink = new LogSink({ destination: path, ...PATIENT, minWrite: 10_000, maxWrite: 20_000, onFailure: fail, flushIntervalMs: 20 });
  sink.write('one\n');
  await expect.poll(() => readFileSync(path, 'utf8')).toBe('one\n');
  await sink.end();
});

test('log sink: lines that a full pipe does not take wait for its reader, and none is lost', async () => {
  const pipe = openPipe(constants.O_NONBLOCK);
  const sink = new LogSink({ destination: pipe.descriptor, ...WRITES, onFailure: fail, flushIntervalMs: 10 });
  const written = lines(1_000);
  for (const line of written) sink.write(line);
  let seen = '';
  await expect.poll(() => (seen += pipe.read()).length, { interval: 10 }).toBe(Buffer.byteLength(written.join('')));
  expect(Buffer.from(seen, 'latin1').toString()).toBe(written.join(''));
  await sink.end();
  pipe.close();
});

test('log sink: a pipe that is not read delays the end only for a moment, and end() resolves to false', async () => {
  const pipe = openPipe(0);
  const sink = new LogSink({ destination: pipe.descriptor, minWrite: 1, maxWrite: 131_072, onFailure: fail });
  for (const line of lines(1_000)) sink.write(line);
  const begunAt = performance.now();
  expect(await sink.end()).toBe(false);
  expect(performance.now() - begunAt).toBeLessThan(30_000);
  // Lets the thread go.
  let isOver = false;
  await expect.poll(() => { isOver ||= pipe.read() === ''; return isOver; }, { interval: 20 }).toBe(true);
  pipe.close();
});

test('a full disk is reported, costs bounded memory, and does not hold up the end (a synchronous last write would be tried for ever)', async () => {
  const failures: (string | undefined)[] = [];
  const onFailure = (error: unknown): void => { failures.push((error as NodeJS.ErrnoException | undefined)?.code); };
  const sink = new LogSink({ destination: '/dev/full', ...WRITES, onFailure, maxQueued: 1_000, flushIntervalMs: 10 });
  for (let count = 0; count < 20; count += 1) sink.write(`${'x'.repeat(99)}\n`);
  expect(failures).toEqual(Array.from({ length: 10 }, () => undefined));
  await expect.poll(() => failures.filter((code) => code === 'ENOSPC').length).toBeGreaterThan(1);
  expect(await sink.end()).toBe(true);
});

test('log sink: after the reader of a pipe closed it, lines are not queued', async () => {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  closeSync(reader);
  const codes: (string | undefined)[] = [];
  const sink = new LogSink({ destination: writer, ...WRITES, maxQueued: 1_000, onFailure: (error) => { codes.push((error as NodeJS.ErrnoException | undefined)?.code); } });
  for (let round = 1; round <= 5; round += 1) {
    for (let count = 0; count < 9; count += 1) sink.write(`${'x'.repeat(99)}\n`);
    await expect.poll(() => codes.length).toBe(round);
  }
  expect(codes).toEqual(Array.from({ length: 5 }, () => 'EPIPE'));
  await sink.end();
  closeSync(writer);
});

test('a file that was moved away is let go when it is opened anew, and no line is lost in between', async () => {
  const path = join(folder, 'penstock.log');
  const sink = new LogSink({ destination: path, ...PATIENT, ...WRITES, onFailure: fail });
  const before = lines(300);
  for (const line of before) sink.write(line);
  renameSync(path, `${path}.1`);
  sink.reopen();
  expect(existsSync(path)).toBe(true);
  const after = lines(300, 300);
  for (const line of after) sink.write(line);
  expect(await sink.end()).toBe(true);
  const [old, fresh] = [readFileSync(`${path}.1`, 'utf8'), readFileSync(path, 'utf8')];
  expect(old + fresh).toBe([...before, ...after].join(''));
  expect(fresh.endsWith(after.at(-1) ?? 'nothing')).toBe(true);
  expect(openDescriptors(`${path}.1`)).toBe(0);
});

function openDescriptors(path: string): number {
  return execFileSync('sh', ['-c', `ls -l /proc/${process.pid}/fd | grep -c -- '-> ${path}$' || true`], { encoding: 'utf8' }).trim() === '0' ? 0 : 1;
}

test('a destination that cannot be opened fails at once, with the reason', () => {
  expect(() => new LogSink({ destination: folder, ...WRITES, onFailure: fail })).toThrow('EISDIR');
});
