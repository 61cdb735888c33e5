import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** How a command of a stage is run. */
export interface ImageCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

/** What the instructions of an image say of a command. */
export interface RunOptions {
  readonly directory: string;
  /** `uid:gid`. */
  readonly user?: string;
  /** Whether nothing of the image can be written. */
  readonly isReadOnly?: boolean;
}

/** Where the stages of an image are built and run without a container engine. */
export interface ImagePlace {
  /** Whether each stage has a root of its own, so that paths, users and read-only roots are those of the image. */
  readonly hasRoots: boolean;
  /** The file of this machine that is `path` in a stage. */
  fileOf(stage: number, path: string): string;
  /** The command in a stage; the first word is a program. */
  command(stage: number, words: readonly string[], options: RunOptions): ImageCommand;
}

/**
 * Mounts what an image is based on below the root of a stage, and changes to it: this machine's system without its /usr/local, which is the stage's
 * own and has Node. Everything ends with the mount namespace of the command.
 */
const CHANGE_ROOT = `
set -e
root=$1 node=$2 user=$3 mode=$4 directory=$5
shift 5
mount --bind "$root" "$root"
for folder in usr etc run; do mount --bind "/$folder" "$root/$folder"; mount -o remount,ro,bind "$root/$folder"; done
mount --bind "$root/local" "$root/usr/local"
mount --bind "$node" "$root/usr/local/bin/node"
mount -t proc proc "$root/proc"
mount -t tmpfs tmp "$root/tmp"
chmod 1777 "$root/tmp"
mount -t tmpfs dev "$root/dev"
for device in null zero full random urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
ln -s /proc/self/fd "$root/dev/fd"
if [ "$mode" = ro ]; then mount -o remount,ro,bind "$root"; mount -o remount,ro,bind "$root/usr/local"; fi
exec chroot --userspec="$user" "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$directory" "$@"
`;

/** Prepares a place: with roots where this machine lets us make them, otherwise a folder whose paths stand for those of the image. */
export function createImagePlace(scratch: string, stages: number): ImagePlace {
  const place = placeWithRoots(scratch, stages);
  const { file, args, cwd } = place.command(0, ['true'], { directory: '/' });
  const { status, stderr, error } = spawnSync(file, args, { cwd, encoding: 'utf8' });
  if (status === 0) return place;
  console.log(`the image's steps are run in a folder, not in a root of their own: ${error?.message ?? stderr.trim()}`);
  return placeInFolder(join(scratch, 'folder'));
}

function placeWithRoots(scratch: string, stages: number): ImagePlace {
  const rootOf = (stage: number): string => join(scratch, `stage-${stage}`);
  for (let stage = 0; stage < stages; stage += 1) {
    const root = rootOf(stage);
    for (const folder of ['usr', 'etc', 'run', 'proc', 'dev', 'tmp', 'root', 'local/bin']) mkdirSync(join(root, folder), { recursive: true });
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));
    writeFileSync(join(root, 'local/bin/node'), '');
    // Where packages come from stays the machine's matter.
    if (existsSync(join(homedir(), '.npmrc'))) copyFileSync(join(homedir(), '.npmrc'), join(root, 'root/.npmrc'));
  }
  return {
    hasRoots: true,
    fileOf: (stage, path) => join(rootOf(stage), path),
    command: (stage, words, { directory, user = '0:0', isReadOnly = false }) => ({
      file: 'unshare',
      args: ['--mount', '--propagation', 'private', '/bin/sh', '-c', CHANGE_ROOT, 'sh', rootOf(stage), process.execPath, user, isReadOnly ? 'ro' : 'rw', directory, ...words],
      cwd: '/',
    }),
  };
}

function placeInFolder(root: string): ImagePlace {
  const inside = (text: string): string => text.replaceAll(/(?<=^|[\s"])\/(?=app\b|penstock\b)/g, `${root}/`);
  mkdirSync(join(root, 'root'), { recursive: true });
  return {
    hasRoots: false,
    fileOf: (_stage, path) => join(root, path),
    command: (_stage, [program = '', ...words], { directory }) => ({
      file: program === 'node' ? process.execPath : program, args: words.map(inside), cwd: directory === '/' ? dirname(root) : join(root, directory),
    }),
  };
}
