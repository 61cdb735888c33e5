import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runPenstock } from '../run-penstock.ts';

/** A folder with a program called systemd-notify, and what it was called with. */
let folder = '';
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'penstock-notify-')); });
afterEach(() => rmSync(folder, { recursive: true }));

function addNotify(body: string): Record<string, string> {
  writeFileSync(join(folder, 'calls'), '');
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return { PATH: `${folder}:${process.env['PATH'] ?? ''}`, NOTIFY_SOCKET: join(folder, 'socket') };
}
const RECORDS = 'echo "$1 $NOTIFY_SOCKET key=$ANTHROPIC_API_KEY" >> "$(dirname "$0")/calls"';
const calls = (): readonly string[] => readFileSync(join(folder, 'calls'), 'utf8').split('\n').slice(0, -1);
const LONG = { timeout: 60_000 };

describe.skipIf(process.platform === 'win32')('under systemd', () => {
  test.each([['one process', {}], ['workers', { server: { workers: 2 } }]])('%s: systemd is notified once when requests are served, and again and again for its watchdog', async (_what, document) => {
    const environment = { ...addNotify(RECORDS), WATCHDOG_USEC: '200000', ANTHROPIC_API_KEY: 'sk-ant-api03-of-the-gateway' };
    await using penstock = await runPenstock({ document, environment });
    const beats = (): readonly string[] => calls().filter((call) => !call.startsWith('--ready'));
    await vi.waitFor(() => expect([calls().length - beats().length, beats().length >= 3]).toEqual([1, true]), LONG);
    // No secret of the environment goes to the program.
    const suffix = `${join(folder, 'socket')} key=`;
    expect(new Set(calls())).toEqual(new Set([`--ready ${suffix}`, `WATCHDOG=1 ${suffix}`]));
    penstock.child.kill('SIGTERM');
    expect(await penstock.exited).toBe(0);
    expect(calls().filter((call) => call.startsWith('--ready')).length).toBe(1);
  });

  test('a watchdog of another process gets no beat, and a notification that fails is reported once', async () => {
    const environment = { ...addNotify(`${RECORDS}; echo refused >&2; exit 1`), WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' };
    await using penstock = await runPenstock({ environment });
    await vi.waitFor(() => expect(penstock.stderr()).toContain('systemd could not be notified'), LONG);
    penstock.child.kill('SIGTERM');
    expect(await penstock.exited).toBe(0);
    expect(calls().length).toBe(1);
    expect(penstock.stderr().match(/could not be notified/g)?.length).toBe(1);
  });

  test('without NOTIFY_SOCKET nothing is notified', async () => {
    const { NOTIFY_SOCKET: _socket, ...environment } = addNotify(RECORDS);
    await using penstock = await runPenstock({ environment: { ...environment, WATCHDOG_USEC: '1000' } });
    penstock.child.kill('SIGTERM');
    expect(await penstock.exited).toBe(0);
    expect(calls()).toEqual([]);
  });
});
