import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runPenstock } from '../run-penstock.ts';

const ask = async (origin: string): Promise<number> => {
  const response = await fetch(`${origin}/anthropic/v1/models`);
  await response.arrayBuffer();
  return response.status;
};

describe.each([1, 2])('with %i worker(s)', (workers) => {
  test('a log that cannot be opened is refused at the start, with the setting (it would be lost unnoticed)', async () => {
    await expect(runPenstock({ document: { server: { workers }, log: { destination: tmpdir() } } }))
      .rejects.toThrow(/log\.destination \(.*\) cannot be opened for appending \(EISDIR\): name stdout, stderr or a file/);
  });

  test('SIGHUP opens the log file anew (log rotation has moved it away)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-rotated-'));
    const path = join(folder, 'penstock.log');
    await using penstock = await runPenstock({ document: { server: { workers }, log: { destination: path } } });
    renameSync(path, `${path}.1`);
    penstock.child.kill('SIGHUP');
    await expect.poll(async () => {
      await ask(penstock.origin);
      return readFileSync(path, 'utf8').split('"msg":"request"').length;
    }).toBeGreaterThan(2);
    // With workers the primary writes to the same file, in its own time.
    await expect.poll(() => readFileSync(path, 'utf8')).toContain('configuration reloaded');
    rmSync(folder, { recursive: true });
  });
});

test('with a full disk SIGTERM still ends the process', async () => {
  await using penstock = await runPenstock({ document: { log: { destination: '/dev/full' } } });
  expect(await ask(penstock.origin)).toBe(200);
  penstock.child.kill('SIGTERM');
  expect(await penstock.exited).toBe(0);
});

/** A pipe that is full as soon as 64 KiB were written, because it is not read. */
function openUnreadPipe(): { descriptor: number; close: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-pipe-'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const descriptor = openSync(join(folder, 'pipe'), constants.O_RDWR);
  return {
    descriptor,
    close: () => {
      closeSync(descriptor);
      rmSync(folder, { recursive: true });
    },
  };
}

test('with a standard output that is not read SIGTERM still ends the process', async () => {
  const pipe = openUnreadPipe();
  await using penstock = await runPenstock({ stdout: pipe.descriptor });
  for (let round = 0; round < 25; round += 1) await Promise.all(Array.from({ length: 20 }, () => ask(penstock.origin)));
  penstock.child.kill('SIGTERM');
  expect(await penstock.exited).toBe(0);
  pipe.close();
});

test('a write that holds a thread of the process (a terminal that was stopped) does not keep the process', async () => {
  const pipe = openUnreadPipe();
  const child = spawn(process.execPath, ['--conditions=@penstock/source', '--input-type=module', '-e', `
    import { createLogger } from ${JSON.stringify(resolve(import.meta.dirname, '../../src/observe/log/create-logger.ts'))};
    import { flushLog } from ${JSON.stringify(resolve(import.meta.dirname, '../../src/process/process-log.ts'))};
    const processLogger = createLogger({ level: 'info', destination: 'stdout', format: 'json' }, 'json', () => undefined);
    for (let count = 0; count < 2_000; count += 1) processLogger.logger.info('a line of the log, and another one behind it');
    await flushLog(processLogger);`], { stdio: ['ignore', pipe.descriptor, 'inherit'], env: {} });
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  pipe.close();
});

test('a port in use ends the start also while a limit store is connected (or would be, again and again)', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  await expect(runPenstock({ document: { server: { port }, limits: { store: 'redis://127.0.0.1:1' } } })).rejects.toThrow('is in use by another process');
  taken.close();
});

test.each([['text', false], ['coloured', true]])('on a terminal the log is text, and colours are left out where they are not wanted (%s)', (style, hasColours) => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-style-'));
  const file = join(folder, 'file.log');
  const text = execFileSync(process.execPath, ['--conditions=@penstock/source', '--input-type=module', '-e', `
    import { createLogger } from ${JSON.stringify(resolve(import.meta.dirname, '../../src/observe/log/create-logger.ts'))};
    for (const destination of ['stdout', ${JSON.stringify(file)}]) {
      const { logger, flush } = createLogger({ level: 'info', destination, format: 'auto' }, ${JSON.stringify(style)}, () => undefined);
      logger.warn({ state: 'running' }, 'lifecycle');
      await flush();
    }`], { encoding: 'utf8', env: {} });
  expect(text).toContain('lifecycle');
  expect(text.includes('\u001b[')).toBe(hasColours);
  expect(() => JSON.parse(text) as unknown).toThrow();
  // File output is always JSON.
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ state: 'running', msg: 'lifecycle' });
  rmSync(folder, { recursive: true });
});
