import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';

/**
 * Boots in namespaces of its own: the files are this machine's below an overlay in memory, /run and /dev are new, and the network is shared.
 * Credentials are mounted below /dev/shm before they move, so that it must be a mount that propagates. A user namespace cannot be made in a chroot, so
 * that the root is pivoted.
 */
const BOOT = `
set -e
mount -t tmpfs overlay "$FOLDER"
mkdir "$FOLDER/upper" "$FOLDER/work" "$FOLDER/root"
root=$FOLDER/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$FOLDER/upper,workdir=$FOLDER/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs run "$root/run"
mount -t tmpfs dev "$root/dev"
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs shm "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 pts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
for device in null zero full random urandom tty; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
touch "$root/dev/console"
mount --bind "$CONSOLE" "$root/dev/console"
ln -s /proc/self/fd "$root/dev/fd"
mkdir -p "$root/etc/penstock" "$root/etc/systemd/system/penstock.service.d"
cp -r "$FILES/." "$root/etc/"
touch "$root/usr/bin/penstock"
mount --bind "$EXECUTABLE" "$root/usr/bin/penstock"
mkdir -p "$root/mnt/before"
cd "$root"
PATH=$PATH:/usr/sbin:/sbin pivot_root . mnt/before
exec /bin/sh -c 'umount -l /mnt/before && mount --make-rshared / \\
  && exec env -i container=penstock-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=only.target --log-target=console --show-status=0'
`;

/** What the booted system has beside this machine's files. */
export interface BootOptions {
  /** A folder of the test's own. */
  readonly scratch: string;
  /** What is run as /usr/bin/penstock. */
  readonly executable: string;
  /** Files by their path below /etc. */
  readonly files: Readonly<Record<string, string>>;
  /** Files that only root can read. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** A systemd that runs as process 1 of its namespaces. */
export interface BootedSystemd extends AsyncDisposable {
  /** Runs a command among its processes and files; output and exit code. */
  run(...command: readonly string[]): { readonly code: number | null; readonly output: string };
  /** Ends it and everything that it runs. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Boots systemd with no unit but those of `files`. The reason instead, where this machine cannot: no systemd, no right to make namespaces. */
export async function bootSystemd({ scratch, executable, files, secrets }: BootOptions): Promise<BootedSystemd | string> {
  const [folder, etc, console] = ['overlay', 'etc', 'console'].map((name) => join(scratch, name)) as [string, string, string];
  mkdirSync(folder, { recursive: true });
  writeFileSync(console, '');
  const target = '[Unit]\nDescription=nothing but what is asked for\nDefaultDependencies=no\n';
  for (const [name, text] of Object.entries({ ...files, ...secrets, 'systemd/system/only.target': target })) {
    mkdirSync(join(etc, name, '..'), { recursive: true });
    writeFileSync(join(etc, name), text, { mode: Object.hasOwn(secrets, name) ? 0o600 : 0o644 });
  }
  const child = spawn('unshare', ['--mount', '--pid', '--fork', '--kill-child', '--cgroup', '--uts', '--ipc', '--propagation', 'private', 'bash', '-c', BOOT], {
    env: { PATH: process.env['PATH'] ?? '', FOLDER: folder, FILES: etc, CONSOLE: console, EXECUTABLE: executable }, stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => { errors += chunk.toString(); });
  child.on('error', (error) => { errors += error.message; });
  const closed = once(child, 'close');
  const init = (): string => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
  const run: BootedSystemd['run'] = (...command) => {
    const inside = ['env', '-i', 'SYSTEMD_PAGER=', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', ...command];
    const { status, stdout, stderr } = spawnSync('nsenter', ['--target', init(), '--mount', '--pid', '--cgroup', '--uts', '--ipc', '--root', '--wd', ...inside], { encoding: 'utf8', timeout: 120_000 });
    return { code: status, output: stdout + stderr };
  };
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await closed;
  };
  try {
    await vi.waitFor(() => {
      if (child.exitCode !== null) return;
      // Before its root is pivoted, its files are this machine's, whose own systemd would answer.
      if (run('test', '-e', '/etc/systemd/system/only.target').code !== 0) throw new Error('its files are not there');
      const { output } = run('systemctl', 'is-system-running');
      if (output.trim() !== 'running') throw new Error(`systemd is ${output.trim()}`);
    }, { timeout: 60_000, interval: 200 });
  } catch (error) {
    await stop();
    return `${(error as Error).message} ${errors}`.trim();
  }
  if (child.exitCode !== null) return errors.trim();
  return { run, [Symbol.asyncDispose]: stop };
}
