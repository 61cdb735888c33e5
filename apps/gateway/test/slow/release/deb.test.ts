import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startSimulator } from '@penstock/anthropic-simulator';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { bootSystemd } from './boot-systemd.ts';
import { createScratchFolder } from './scratch-folder.ts';
import { startInstalled } from './start-installed.ts';
import { mustRun, ROOT, run } from './workspace.ts';

const scratch = createScratchFolder();
afterAll(() => scratch.remove(), 600_000);

const has = (...programs: readonly string[]): boolean => programs.every((name) => spawnSync('which', [name]).status === 0);
const noteWithout = (...programs: readonly string[]): string => (has(...programs) ? '' : ` (skipped: ${programs.join(' or ')} is not installed)`);
const isRoot = process.getuid?.() === 0;

/** An empty system as far as dpkg is concerned, which the package is installed into. */
const system = join(scratch.path, 'system');
const unit = join(ROOT, 'deploy/systemd/penstock.service');

/** A hung event loop takes the time of the watchdog. */
const IS_BOUNDED = process.env['PENSTOCK_SLOW_BOUNDED'] !== undefined;
const LOG = '/var/log/penstock.log';

/** What the test needs beside the unit: another origin, free ports, a file that it can read, a shorter watchdog, and none of the units that a boot starts first. */
function dropIn(origin: string): string {
  return `[Unit]
DefaultDependencies=no
[Service]
Environment=ANTHROPIC_BASE_URL=${origin} PENSTOCK_PORT=0 PENSTOCK_OPERATIONS_PORT=0
StandardOutput=append:${LOG}
StandardError=append:${LOG}
${IS_BOUNDED ? '' : 'WatchdogSec=10'}
`;
}

describe.skipIf(!has('dpkg-deb', 'dpkg') || !isRoot)(`the Debian package${noteWithout('dpkg-deb', 'dpkg')}${isRoot ? '' : ' (skipped: dpkg installs as root only)'}`, () => {
  let deb = '';
  const dpkg = (...args: readonly string[]): string => mustRun('dpkg', [`--root=${system}`, '--force-depends', '--force-script-chrootless', ...args]);
  beforeAll(() => {
    for (const path of ['updates', 'info', 'triggers']) mkdirSync(join(system, 'var/lib/dpkg', path), { recursive: true });
    for (const name of ['status', 'available']) writeFileSync(join(system, 'var/lib/dpkg', name), '');
    const [, path = '', size = ''] = /^(\S+) \((.*)\)\n$/.exec(mustRun(process.execPath, ['scripts/make.mjs', 'deb'])) ?? [];
    deb = join(ROOT, path);
    console.log(`make deb: ${path}, ${size}`);
  }, 600_000);

  test('needs the libraries of Node by their Debian names, and nothing of it can be written by others', () => {
    const fields = mustRun('dpkg-deb', ['--field', deb]);
    expect(fields).toContain('Depends: libc6 (>= 2.28), libstdc++6, libgcc-s1, libatomic1\n');
    const modes = mustRun('dpkg-deb', ['--contents', deb]).trim().split('\n').map((line) => line.slice(0, 10) + (line.includes(' root/root ') ? '' : ' of another'));
    expect(new Set(modes)).toEqual(new Set(['drwxr-xr-x', '-rw-r--r--', '-rwxr-xr-x']));
  });

  test('installs, serves with the configuration that it brings, keeps it when removed, and is gone when purged', async () => {
    dpkg('--install', deb);
    const file = join(system, 'etc/penstock/gateway.json');
    // As systemd would show it to the gateway, under another path.
    writeFileSync(join(scratch.path, 'anthropic-api-key'), 'sk-ant-api03-of-the-credential\n');
    writeFileSync(file, readFileSync(file, 'utf8').replace('/run/credentials/penstock.service', scratch.path));
    await using gateway = await startInstalled(`${join(system, 'usr/bin/penstock')} start --simulate --config ${file}`, { cwd: scratch.path, environment: {} });
    expect(gateway.firstAnswer).toContain('event: message_stop');
    expect(await gateway.stop()).toBe(0);
    expect(run(join(system, 'usr/bin/penstock'), ['check', '--config', file]).code).toBe(0);
    const installed = (): string => mustRun('find', [system, '-path', '*penstock*', '-type', 'f', '-not', '-path', '*/var/lib/dpkg/*']);
    dpkg('--remove', 'penstock');
    expect(installed().trim()).toBe(file);
    dpkg('--purge', 'penstock');
    expect(installed()).toBe('');
  });

  test('runs under systemd: it is started when it serves, has the key as a credential alone, is watched, and stops with its streams', async (context) => {
    const extracted = join(scratch.path, 'extracted');
    mustRun('dpkg-deb', ['--extract', deb, extracted]);
    const part = (path: string): string => readFileSync(join(extracted, path), 'utf8');
    const simulator = await startSimulator();
    onTestFinished(() => simulator.close());
    const booted = await bootSystemd({
      scratch: join(scratch.path, 'booted'), executable: join(extracted, 'usr/bin/penstock'),
      files: {
        'penstock/gateway.json': part('etc/penstock/gateway.json'),
        'systemd/system/penstock.service': part('lib/systemd/system/penstock.service'),
        'systemd/system/penstock.service.d/test.conf': dropIn(simulator.origin),
        'systemd/system/network-online.target': '[Unit]\nDefaultDependencies=no\n',
      },
      secrets: { 'penstock/anthropic-api-key': 'sk-ant-api03-of-the-credential\n' },
    });
    if (typeof booted === 'string') {
      console.warn(`deb: systemd does not boot in namespaces of this machine, skipped: ${booted}`);
      context.skip();
      return;
    }
    await using systemd = booted;
    const systemctl = (...args: readonly string[]): string => {
      const { code, output } = systemd.run('systemctl', ...args);
      expect(code, `${output}\n${systemd.run('cat', LOG).output}`).toBe(0);
      return output;
    };
    const property = (name: string): string => systemctl('show', '--property', name, '--value', 'penstock').trim();
    const ask = async (): Promise<unknown> => {
      const origin = [...systemd.run('cat', LOG).output.matchAll(/ready on (\S+)/g)].at(-1)?.[1] ?? '';
      const response = await fetch(`${origin}/anthropic/v1/models`, { headers: { 'anthropic-version': '2023-06-01' } });
      await response.text();
      return [response.status, simulator.requests.at(-1)?.headers['x-api-key']];
    };
    const SERVED = [200, 'sk-ant-api03-of-the-credential'];

    systemctl('start', 'penstock');
    expect(await ask()).toEqual(SERVED);
    const status = systemd.run('cat', `/proc/${property('MainPID')}/status`).output;
    expect(status).toMatch(/^Uid:\t(?!0\t)/m);
    for (const line of ['CapEff:\t0000000000000000', 'CapBnd:\t0000000000000000', 'NoNewPrivs:\t1', 'Seccomp:\t2']) expect(status).toContain(line);
    expect(systemd.run('cat', `/proc/${property('MainPID')}/environ`).output).not.toContain('sk-ant');
    systemctl('reload', 'penstock');

    if (!IS_BOUNDED) {
      const notifiedAt = property('WatchdogTimestampMonotonic');
      await vi.waitFor(() => expect(property('WatchdogTimestampMonotonic')).not.toBe(notifiedAt), { timeout: 60_000, interval: 250 });
      const hung = property('MainPID');
      expect(systemd.run('kill', '-STOP', hung).code).toBe(0);
      await vi.waitFor(() => expect([property('NRestarts'), property('SubState')]).toEqual(['1', 'running']), { timeout: 120_000, interval: 500 });
      expect(property('MainPID')).not.toBe(hung);
      expect(await ask()).toEqual(SERVED);
    }
    systemctl('stop', 'penstock');
    expect([property('Result'), property('ExecMainStatus'), property('ActiveState')]).toEqual(['success', '0', 'inactive']);
  });
});

describe.skipIf(!has('systemd-analyze'))(`the unit, with systemd itself${noteWithout('systemd-analyze')}`, () => {
  test('is one that systemd takes without a warning', () => {
    const copy = join(scratch.path, 'penstock.service');
    writeFileSync(copy, readFileSync(unit, 'utf8').replace('/usr/bin/penstock', process.execPath));
    expect(run('systemd-analyze', ['verify', copy])).toEqual({ code: 0, output: '' });
  });

  test('is exposed to 2.0 of 10 at most, and without its sandbox to much more', () => {
    const analyze = (path: string): { code: number | null } => run('systemd-analyze', ['security', '--offline=true', '--no-pager', '--threshold=20', path]);
    expect(analyze(unit).code).toBe(0);
    const bare = join(scratch.path, 'bare.service');
    writeFileSync(bare, readFileSync(unit, 'utf8').replaceAll(/^(?:Protect|Private|Restrict|Capability|SystemCall).*$/gm, ''));
    expect(analyze(bare).code).not.toBe(0);
  });
});

const RECEIVER = `
import os, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("bound", flush=True)
while True:
    message, descriptors, _flags, _address = socket.recv_fds(receiver, 4096, 4)
    print(message.decode().strip(), flush=True)
    # systemd-notify waits until its barrier is closed.
    for descriptor in descriptors:
        os.close(descriptor)
`;

test.skipIf(!has('systemd-notify', 'python3'))(`the datagrams of sd_notify(3) arrive on the socket of the manager${noteWithout('systemd-notify', 'python3')}`, async () => {
  const socket = join(scratch.path, 'notify.socket');
  const receiver = spawn('python3', ['-c', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(receiver, 'close');
  let received = '';
  receiver.stdout.on('data', (chunk: Buffer) => { received += chunk.toString(); });
  try {
    await vi.waitFor(() => expect(received).toContain('bound'), 60_000);
    await using gateway = await startInstalled(`${process.execPath} --conditions=@penstock/source ${join(ROOT, 'apps/gateway/src/main.ts')} start --simulate`, {
      cwd: scratch.path, environment: { PATH: process.env['PATH'] ?? '', NOTIFY_SOCKET: socket, WATCHDOG_USEC: '500000' },
    });
    await vi.waitFor(() => expect(received).toMatch(/READY=1\n[\s\S]*WATCHDOG=1\n[\s\S]*WATCHDOG=1\n/), 60_000);
    expect(await gateway.stop()).toBe(0);
  } finally {
    receiver.kill();
    await closed;
  }
});
