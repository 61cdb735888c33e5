import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, fchownSync, fstatSync, fsyncSync, openSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A file that another process is changing, or one that cannot be written. */
export class ConfigWriteError extends Error {
  override readonly name = 'ConfigWriteError';
}

/**
 * Changes a file as a whole: a reader sees the old text or the new one. Its mode stays, and where it is a symbolic link, the link. Two
 * changes at once are refused, for one would undo the other. A file that does not exist begins empty. Throws a `ConfigWriteError`.
 */
export function changeFile(path: string, change: (text: string) => string): void {
  const target = resolveLink(path);
  const lock = join(dirname(target), `.${basename(target)}.lock`);
  const next = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`);
  closeSync(open(lock, path));
  try {
    const before = readIfThere(target);
    const text = change(before?.text ?? '');
    writeNew(next, text, before?.status, path);
    renameSync(next, target);
  } finally {
    rmSync(next, { force: true });
    rmSync(lock, { force: true });
  }
}

function open(file: string, named: string): number {
  try {
    return openSync(file, 'wx', 0o600);
  } catch (error) {
    const code = codeOf(error);
    throw new ConfigWriteError(code === 'EEXIST'
      ? `${named} is being changed by another command; remove ${file} if none runs`
      : `${named} cannot be written (${code}): its folder must be writable, since the file is replaced as a whole`, { cause: error });
  }
}

function writeNew(file: string, text: string, status: Stats | undefined, named: string): void {
  const descriptor = open(file, named);
  try {
    // Only hashes are added, but the file may hold a key: no user gets a right that the file did not give.
    keepOwner(descriptor, status, named);
    fchmodSync(descriptor, status === undefined ? 0o600 : status.mode & 0o7777);
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The gateway may run as another user than the one who changes its file. */
function keepOwner(descriptor: number, status: Stats | undefined, named: string): void {
  if (status === undefined) return;
  const { uid, gid } = fstatSync(descriptor);
  if (uid === status.uid && gid === status.gid) return;
  try {
    fchownSync(descriptor, status.uid, status.gid);
  } catch (error) {
    throw new ConfigWriteError(`${named} belongs to another user: run the command as that one`, { cause: error });
  }
}

function readIfThere(file: string): { text: string; status: Stats } | undefined {
  try {
    return { text: readFileSync(file, 'utf8'), status: statSync(file) };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new ConfigWriteError(`${file} cannot be read (${codeOf(error)})`, { cause: error });
  }
}

function resolveLink(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
}
