import { unwatchFile, watchFile } from 'node:fs';

const POLL_MS = 1_000;

/**
 * Calls `onChange` when one of the files changed. It polls: mounted secrets and config maps are swapped by renaming a
 * folder's link, which change notifications of the file miss. Returns what stops it.
 */
export function watchFiles(files: readonly string[], onChange: () => void): () => void {
  const listener = (current: { mtimeMs: number; ino: number; size: number }, previous: { mtimeMs: number; ino: number; size: number }): void => {
    // A file that is away for a moment is being replaced; its return is the change.
    if (current.ino === 0) return;
    if (current.mtimeMs !== previous.mtimeMs || current.ino !== previous.ino || current.size !== previous.size) onChange();
  };
  for (const file of files) watchFile(file, { interval: POLL_MS, persistent: false }, listener);
  return () => {
    for (const file of files) unwatchFile(file, listener);
  };
}
